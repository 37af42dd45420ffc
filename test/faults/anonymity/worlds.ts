import { authKey } from '../clients/auth-key.js';
import { type Ear, Party } from '../harness/party.js';
import type { Scene } from '../harness/scene.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';

/** How somebody sits in an anonymous seat, and what else is the matter with it. */
export interface World {
  readonly name: string;
  /** Whose seat it is. */
  readonly node: string;
  readonly acts: 'by websocket' | 'by rest' | 'through a backend';
  /** Whether it acknowledges; only where it is connected. */
  readonly acknowledges?: boolean;
  /** Its own inbox takes nothing more. */
  readonly isFull?: boolean;
  readonly connections?: number;
}

export const INBOX_MAX = 30;

/** The first is compared with each of the others. */
export const WORLDS: readonly World[] = [
  { name: 'online', node: 'south', acts: 'by websocket', acknowledges: true, connections: 1 },
  { name: 'offline', node: 'a-node-in-the-north', acts: 'by rest' },
  { name: 'never acknowledges', node: 'north', acts: 'by websocket', acknowledges: false, connections: 1 },
  { name: 'inbox full', node: 'north.2', acts: 'by rest', isFull: true },
  { name: 'of a backend only', node: 'n', acts: 'through a backend' },
  { name: 'on three devices', node: 'north-3', acts: 'by websocket', acknowledges: true, connections: 3 },
];

/** Who sits in the anonymous seat, and does the same in every world. */
export class Seated {
  private readonly party: Party;
  private readonly app: Party;
  private ear: Ear | undefined;
  private count = 0;

  constructor(
    server: ServerNode,
    readonly world: World,
  ) {
    const { node } = world;
    this.party = new Party({ server, node, key: () => authKey(SECRET, node, { client_id: `${node}-person` }) });
    this.app = new Party({ server, node: 'backend', key: () => authKey(SECRET, 'backend', { role: 'app' }) });
  }

  async prepare(): Promise<void> {
    const { acts, connections = 0, isFull, node } = this.world;
    if (acts !== 'through a backend') await this.party.call('GET', '/v1/inbox');
    for (let at = 0; at < connections; at += 1) this.ear = await this.party.open();
    if (!isFull) return;
    const messages = Array.from({ length: INBOX_MAX + 5 }, (_none, at) => ({ dest_id: node, payload: at }));
    await this.app.call('POST', '/v1/messages', { messages });
  }

  async join(session: string): Promise<void> {
    await this.call(`/v1/sessions/${session}/join`, { anonymous: true });
  }

  async leave(session: string): Promise<void> {
    await this.call(`/v1/sessions/${session}/unjoin`, {});
  }

  async say(frame: object): Promise<void> {
    const id = `own-${this.world.node}-${(this.count += 1)}`;
    const { acts, node } = this.world;
    if (acts === 'by websocket') {
      if ('transient' in frame) this.ear?.say(JSON.stringify({ ...frame, id }));
      else await this.ear?.ask({ ...frame, id });
    } else if (acts === 'by rest') await this.party.call('POST', '/v1/messages', { messages: [{ ...frame, id }] });
    else await this.app.call('POST', '/v1/messages', { messages: [{ ...frame, id, src_id: node }] });
  }

  acknowledge(): void {
    if (this.world.acknowledges) for (const ear of this.party.ears) ear.acknowledge();
  }

  close(): void {
    this.party.close();
  }

  private async call(path: string, body: object): Promise<void> {
    if (this.world.acts !== 'through a backend') await this.party.call('POST', path, body);
    else await this.app.call('POST', path, { ...body, node_id: this.world.node });
  }
}

/** Settings of server nodes whose store nobody else uses. */
export function ofOwnStore(scene: Scene, name: string, settings: Readonly<Record<string, string>>): typeof settings {
  const own = name.replaceAll(/\W/g, '-');
  const uri = scene.store.settings['MONGODB_URI'];
  return {
    DATA_DIR: `${scene.folder}/data-${own}`,
    ...(uri !== undefined && { MONGODB_URI: uri.replace('/allspark?', `/${own}?`) }),
    ...settings,
  };
}
