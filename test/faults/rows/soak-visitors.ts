import type { Frame } from '../harness/dialogue.js';
import { type Ear, Party } from '../harness/party.js';
import type { Random } from '../harness/random.js';
import type { ServerNode } from '../harness/server-node.js';
import { APP } from '../harness/session-calls.js';
import { pause } from '../harness/wait.js';

const VISITORS = 12;
/** Nodes of one client. */
const DEVICES = 3;
const COME_LATER_MS = 5_000;
const MOST_TRIES = 10;
/** Closes that ask for another connection: the server or its store is busy, or this process was for too long. */
const COME_BACK = new Set([1012, 4001]);

type Doing = (visitor: Party, ear: Ear) => Promise<unknown>;

/** A few who do everything else that can be done: one doing each, at the pace of the caller. */
export class Visitors {
  private readonly parties: Party[];
  private readonly ears = new Map<Party, Ear>();
  private readonly doings: readonly Doing[];
  /** Things done. */
  done = 0;
  private names = 0;
  /** Answers that the server node is busy, and to come later. */
  later = 0;
  /** What was not answered as it has to be. */
  readonly wrongs: string[] = [];

  constructor(
    private readonly server: ServerNode,
    private readonly random: Random,
    /** Begins the ids of their messages. */
    private readonly name: string,
  ) {
    this.parties = Array.from({ length: VISITORS }, (_none, index) => {
      const node = `visitor-${index + 1}`;
      return new Party({ server, node, key: () => server.key(node, claimsOf(index)) });
    });
    this.doings = [
      (visitor, ear) => this.say(ear, { dest_id: this.another(visitor).node, payload: 1 }, 'stored'),
      (visitor, ear) => Promise.resolve(ear.say(`{"dest_id":"${this.another(visitor).node}","transient":true}`)),
      (_visitor, ear) => this.say(ear, { dest_client_id: this.client(), payload: 'to all of it' }, 'stored'),
      (_visitor, ear) => this.say(ear, { dest_id: 'nobody-ever-seen' }, undefined, 'node_unknown'),
      (_visitor, ear) => this.say(ear, { dest_id: '' }, undefined, 'invalid_field'),
      (_visitor, ear) => ear.alive(this.id()),
      (_visitor, ear) => Promise.resolve(ear.acknowledge()),
      (visitor) => this.call(visitor, 'GET', '/v1/inbox?limit=10', 200),
      (visitor) => this.call(visitor, 'GET', `/v1/clients/${this.client()}/messages?before=${2 ** 40}&limit=5`, 0),
      (visitor) => this.post(visitor),
      (visitor) => this.meet(visitor),
      (visitor) => this.byValidationKey(visitor),
      (visitor, ear) => this.comeBack(visitor, ear),
      () => this.call(new Party({ server, node: 'bad', key: () => 'a.bad.key' }), 'GET', '/v1/inbox', 401),
    ];
  }

  async come(): Promise<void> {
    for (const party of this.parties) await this.open(party);
  }

  /** One of them does one thing. */
  async doOne(): Promise<void> {
    const visitor = this.random.pick(this.parties);
    const doing = this.doings[(this.done += 1) % this.doings.length]!;
    await this.returned(visitor);
    await doing(visitor, this.ears.get(visitor)!);
    visitor.heard.length = visitor.answered.length = 0;
    this.ears.get(visitor)!.frames.length = 0;
  }

  leave(): void {
    for (const party of this.parties) party.close();
  }

  /** Who is told to come later comes later, as every client would. */
  private async open(party: Party): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const ear = await party.open();
      if (ear) return void this.ears.set(party, ear);
      this.later += 1;
      if (tries === MOST_TRIES) throw new Error(`${party.node} could not connect: ${party.answered.join()}`);
      await pause(COME_LATER_MS);
    }
  }

  private async returned(visitor: Party): Promise<void> {
    const { closed } = this.ears.get(visitor)!;
    if (!closed) return;
    if (!COME_BACK.has(closed.code)) this.wrongs.push(`${visitor.node} was closed with ${closed.code}`);
    await this.open(visitor);
  }

  private async comeBack(visitor: Party, ear: Ear): Promise<void> {
    ear.close();
    await this.open(visitor);
  }

  private async byValidationKey(visitor: Party): Promise<void> {
    const made = await visitor.call('POST', '/v1/pre-connections', {});
    if (made.status === 503) return void (this.later += 1);
    const { validation_key: key } = JSON.parse(made.text) as { validation_key: string };
    const stranger = new Party({ server: this.server, node: visitor.node, key: () => undefined });
    const ear = await stranger.open(`?validation_key=${key}`);
    if (ear) ear.close();
    else if (stranger.answered.join().includes('retry_later')) this.later += 1;
    else this.wrongs.push(`no connection by a validation key: ${stranger.answered.join()}`);
  }

  /** The whole life of a session. */
  private async meet(visitor: Party): Promise<void> {
    const { node } = this.another(visitor);
    const members = [{ node_id: visitor.node }, { node_id: node, alias: '~hidden' }];
    const app = new Party({ server: this.server, node: APP.node, key: () => this.server.key(APP.node, APP.claims) });
    const made = await app.call('POST', '/v1/sessions', { members, anyone_can_join: true });
    if (made.status === 503) return void (this.later += 1);
    const { session_id: id } = JSON.parse(made.text) as { session_id: string };
    const ear = this.ears.get(visitor)!;
    await this.say(ear, { dest_session_id: id, payload: 'hello' }, 'stored');
    await this.say(ear, { dest_session_id: id, dest_id: '~hidden', payload: 'psst' }, 'stored');
    await this.call(visitor, 'GET', `/v1/sessions/${id}/messages?after=0&limit=5`, 200);
    await this.call(visitor, 'POST', `/v1/sessions/${id}/unjoin`, 200, {});
    await this.call(app, 'DELETE', `/v1/sessions/${id}`, 0);
  }

  private async post(visitor: Party): Promise<void> {
    const message = { dest_id: this.another(visitor).node, id: this.id(), payload: 'by a call' };
    await this.call(visitor, 'POST', '/v1/messages', 200, { messages: [message, { dest_id: 7 }] });
  }

  private async say(ear: Ear, message: Frame, status?: string, code?: string): Promise<void> {
    const answer = await ear.ask({ ...message, id: this.id() });
    const toldToComeBack = ear.closed !== undefined && COME_BACK.has(ear.closed.code);
    if (toldToComeBack || answer?.['code'] === 'retry_later') return void (this.later += 1);
    const isRight = (status === undefined || answer?.['status'] === status) && answer?.['code'] === code;
    if (!isRight) this.wrongs.push(`${JSON.stringify(message)} was answered ${JSON.stringify(answer)}`);
  }

  /** `status` 0: any but one of the server's own faults. */
  private async call(visitor: Party, method: string, path: string, status: number, body?: unknown): Promise<void> {
    const told = await visitor.call(method, path, body);
    // Counting its objects may hold the server up for longer than a header may take.
    if (told.status === 503 || told.text.includes('did not arrive in time')) return void (this.later += 1);
    if (status === 0 ? told.status < 500 : told.status === status) return;
    this.wrongs.push(`${method} ${path} was answered ${told.status} ${told.text}`);
  }

  private another(than: Party): Party {
    return this.random.pick(this.parties.filter((party) => party !== than));
  }

  private client(): string {
    return `visitors-${this.random.int(1, VISITORS / DEVICES)}`;
  }

  private id(): string {
    return `${this.name}-${(this.names += 1)}`;
  }
}

/** So many nodes in a row belong to one client. */
function claimsOf(index: number): { client_id: string } {
  return { client_id: `visitors-${Math.floor(index / DEVICES) + 1}` };
}
