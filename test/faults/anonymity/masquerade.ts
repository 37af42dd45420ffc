import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jwt } from '../clients/auth-key.js';
import { Party } from '../harness/party.js';
import type { Random } from '../harness/random.js';
import type { Scene } from '../harness/scene.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';
import { stageOf } from '../harness/stage.js';
import { type Canary, formsOf } from './taint.js';

const HIDDEN = 4;
const HOUR = 3_600;

/** Somebody who sits anonymously in sessions, under names that nobody else may hear. */
export interface Hidden {
  readonly party: Party;
  readonly name: string;
  readonly clientId: string;
  /** Ids that it gives to what it says anonymously begin so. */
  readonly idPrefix: string;
  readonly jti: string;
  readonly kid: string;
  readonly address: string;
  /** A session in which everybody may know it. */
  open: string;
}

export interface Named {
  readonly party: Party;
  readonly role: 'node' | 'app' | 'admin';
}

/** All who take part: hidden ones, visible ones, some that reveal themselves, strangers, backends. */
export class Masquerade {
  readonly hidden: Hidden[];
  readonly visible: Named[];
  readonly revealing: Named[];
  /** They know the hidden ones from other sessions. */
  readonly friends: Named[];
  readonly stranger: Named;
  readonly app: Named;
  readonly admin: Named;
  private turn = 0;

  constructor(
    readonly servers: readonly [ServerNode, ...ServerNode[]],
    private readonly random: Random,
    private readonly kids: readonly string[],
  ) {
    this.hidden = kids.map((kid, index) => this.hide(kid, index + 1));
    this.visible = [1, 2, 3, 4].map((at) => this.named(`visible-${at}`));
    this.revealing = [1, 2].map((at) => this.named(`revealing-${at}`));
    this.friends = [1, 2].map((at) => this.named(`friend-${at}`));
    this.stranger = this.named('stranger');
    this.app = this.named('backend', 'app');
    this.admin = this.named('operator', 'admin');
  }

  /** A server whose keys have names that are canaries too. */
  static async at(scene: Scene, count: number, settings: Readonly<Record<string, string>>): Promise<Masquerade> {
    const kids = Array.from({ length: HIDDEN }, (_none, index) => `canarykid${index + 1}${word(scene.random)}`);
    const k = Buffer.from(SECRET).toString('base64url');
    const file = join(scene.folder, 'keys.json');
    writeFileSync(file, JSON.stringify({ keys: kids.map((kid) => ({ kty: 'oct', k, kid, alg: 'HS256' })) }));
    const { servers } = await stageOf(scene, count, { AUTH_KEYS_FILE: file, ...settings });
    return new Masquerade(servers, scene.random, kids);
  }

  /** Of one party: each is at another one than the one before it. */
  private get server(): ServerNode {
    this.turn += 1;
    return this.servers[this.turn % this.servers.length]!;
  }

  get others(): Named[] {
    return [...this.visible, ...this.revealing, ...this.friends, this.stranger, this.app, this.admin];
  }

  get parties(): Party[] {
    return [...this.hidden, ...this.others].map(({ party }) => party);
  }

  /** All that was told to anybody, and what the server wrote into its log. */
  told(): Map<string, readonly string[]> {
    return new Map([
      ...this.parties.map(({ node, texts }) => [node, texts] as const),
      ['log', this.servers.map((server) => server.said())],
    ]);
  }

  canaries(): Canary[] {
    const backends = [this.app, this.admin].map(({ party }) => party.node);
    const friends = this.friends.map(({ party }) => party.node);
    return this.hidden.flatMap((hidden) => {
      const own = new Set([hidden.party.node]);
      const known = new Set([...own, ...backends, ...friends]);
      const names = [hidden.party.node, hidden.clientId].flatMap(formsOf);
      const connections = hidden.party.ears.map(({ hello }) => String(hello['connection_id']));
      const secret = [hidden.idPrefix, hidden.jti, hidden.kid, hidden.address];
      return [
        ...names.map((text) => ({ kind: 'name', text, entitled: known })),
        ...connections.map((text) => ({ kind: 'connection', text, entitled: new Set([...own, ...backends]) })),
        ...secret.map((text) => ({ kind: 'trace', text, entitled: own })),
      ];
    });
  }

  private hide(kid: string, at: number): Hidden {
    const mark = word(this.random);
    const [name, clientId] = [`canarynode${at}${mark}`, `canaryclient${at}${mark}`];
    const [jti, address] = [`canaryjti${at}${mark}`, `127.77.${this.random.int(10, 250)}.${100 + at}`];
    const key = (): string => keyFor({ sub: name, client_id: clientId, jti }, kid);
    const party = new Party({ server: this.server, node: name, key, from: address });
    return { party, name, clientId, idPrefix: `canaryid${at}${mark}`, jti, kid, address, open: '' };
  }

  private named(node: string, role: Named['role'] = 'node'): Named {
    const key = (): string => keyFor({ sub: node, client_id: `${node}-person`, role });
    return { party: new Party({ server: this.server, node, key }), role };
  }
}

function keyFor(claims: object, kid?: string): string {
  const iat = Math.floor(Date.now() / 1_000);
  const header = { alg: 'HS256', ...(kid !== undefined && { kid }) };
  return jwt({ aud: 'allspark', iat, exp: iat + HOUR, ...claims }, SECRET, header);
}

export function word(random: Random): string {
  return random.int(36 ** 5, 36 ** 6 - 1).toString(36);
}
