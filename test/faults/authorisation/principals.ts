import { authKey } from '../clients/auth-key.js';
import { Party } from '../harness/party.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';

/** Everybody who may stand before a call. */
export const PRINCIPALS = [
  'no key',
  'another kind of key',
  'a backend with a wrong key',
  'stranger',
  'ex-member',
  'member',
  'hidden member',
  'owner',
  'app',
  'admin',
] as const;
export type Principal = (typeof PRINCIPALS)[number];

/** Those whom a server knows nothing of. */
export const KEYLESS: readonly Principal[] = ['no key', 'another kind of key', 'a backend with a wrong key'];

/** Those whom it lets in at all. */
export const KEYED = PRINCIPALS.filter((name) => !KEYLESS.includes(name));

const NODES: Readonly<Record<Principal, string>> = {
  'no key': 'nobody',
  'another kind of key': 'member',
  'a backend with a wrong key': 'backend',
  stranger: 'stranger',
  'ex-member': 'ex-member',
  member: 'member',
  'hidden member': 'hidden',
  owner: 'owner',
  app: 'backend',
  admin: 'operator',
};
export const PASSENGER = 'passenger';
export const ALIAS = '~masked';
const WRONG_SECRET = 'of another installation, also at least 32 bytes long';

export class Principals {
  private readonly parties = new Map<Principal, Party>();

  constructor(
    private readonly server: ServerNode,
    /** What signs the links between server nodes. */
    private readonly linkSecret: string,
  ) {
    for (const name of PRINCIPALS) {
      this.parties.set(name, new Party({ server, node: NODES[name], key: () => this.keyOf(name) }));
    }
  }

  /** Known are those who were there once. */
  async arrive(): Promise<void> {
    for (const name of KEYED) await this.of(name).call('GET', '/v1/inbox');
    const key = (): string => authKey(SECRET, PASSENGER);
    await new Party({ server: this.server, node: PASSENGER, key }).call('GET', '/v1/inbox');
  }

  of(name: Principal): Party {
    return this.parties.get(name) as Party;
  }

  /** A session that all are in who have to be, and one was in. */
  async session(): Promise<string> {
    const [owner, app] = [this.of('owner'), this.of('app')];
    const made = await owner.json('POST', '/v1/sessions', {});
    const id = String(made['session_id']);
    for (const node of ['member', 'ex-member']) await app.call('POST', `/v1/sessions/${id}/join`, { node_id: node });
    const masked = { node_id: NODES['hidden member'], alias: ALIAS };
    await app.call('POST', `/v1/sessions/${id}/join`, masked);
    await this.of('ex-member').call('POST', `/v1/sessions/${id}/unjoin`, {});
    return id;
  }

  private keyOf(name: Principal): string | undefined {
    if (name === 'no key') return undefined;
    if (name === 'another kind of key') return authKey(this.linkSecret, NODES[name]);
    if (name === 'a backend with a wrong key') return authKey(WRONG_SECRET, NODES[name], { role: 'app' });
    const role = name === 'app' || name === 'admin' ? name : 'node';
    return authKey(SECRET, NODES[name], { role, client_id: `${NODES[name]}-person` });
  }
}
