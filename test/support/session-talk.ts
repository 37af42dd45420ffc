import { type InboxLog, sessionLogOf } from '../../src/modules/inbox/index.js';
import { eventually } from './native-scene.js';
import type { Frame, Talker } from './talker.js';
import type { KeyRequest } from './test-server.js';

/** A server that is called by REST. */
export interface Callable {
  json(nodeId: string, path: string, body?: unknown, request?: KeyRequest): Promise<unknown>;
}

interface Page {
  readonly messages: readonly Frame[];
  readonly tail: number;
  readonly complete: boolean;
}

const APP = { role: 'app' } as const;

/** A session as a test handles it by REST; what is asked for in nobody's name is asked for by a backend. */
export class SessionTalk {
  private constructor(
    private readonly server: Callable,
    readonly id: string,
  ) {}

  /** Made by a backend, with these members: by node id, or as seats. */
  static async of(
    server: Callable,
    members: ReadonlyArray<string | Frame>,
    terms: Readonly<Record<string, unknown>> = {},
  ): Promise<SessionTalk> {
    const seats = members.map((member) => (typeof member === 'string' ? { node_id: member } : member));
    return SessionTalk.from(server, await server.json('backend', '/v1/sessions', { members: seats, ...terms }, APP));
  }

  /** Made by a node, which owns it. */
  static async by(
    server: Callable,
    nodeId: string,
    terms: Readonly<Record<string, unknown>> = {},
  ): Promise<SessionTalk> {
    return SessionTalk.from(server, await server.json(nodeId, '/v1/sessions', terms));
  }

  private static from(server: Callable, answer: unknown): SessionTalk {
    const { session_id: id } = answer as { session_id?: string };
    if (id === undefined) throw new Error(`no session: ${JSON.stringify(answer)}`);
    return new SessionTalk(server, id);
  }

  /** The same session, by calls to another server. */
  at(server: Callable): SessionTalk {
    return new SessionTalk(server, this.id);
  }

  /** The destination field, and what else a message has. */
  to(message: Frame = {}): Frame {
    return { dest_session_id: this.id, ...message };
  }

  join(nodeId: string, request: Frame = {}): Promise<Frame> {
    return this.done(this.server.json(nodeId, `/v1/sessions/${this.id}/join`, request));
  }

  /** A backend gives a seat. */
  seat(nodeId: string, request: Frame = {}): Promise<Frame> {
    return this.done(this.server.json('backend', `/v1/sessions/${this.id}/join`, { node_id: nodeId, ...request }, APP));
  }

  unjoin(nodeId: string, request: Frame = {}): Promise<Frame> {
    return this.done(this.server.json(nodeId, `/v1/sessions/${this.id}/unjoin`, request));
  }

  reveal(nodeId: string): Promise<Frame> {
    return this.done(this.server.json(nodeId, `/v1/sessions/${this.id}/reveal`, {}));
  }

  /** What it holds, as the node may read it. */
  async messages(nodeId: string, query = '', request: KeyRequest = {}): Promise<Page> {
    return (await this.server.json(nodeId, `/v1/sessions/${this.id}/messages${query}`, undefined, request)) as Page;
  }

  async view(nodeId: string, query = '', request: KeyRequest = {}): Promise<Frame> {
    return (await this.server.json(nodeId, `/v1/sessions/${this.id}${query}`, undefined, request)) as Frame;
  }

  /** Until all that was confirmed is in the inboxes of those whom it is for, or was left out there. */
  driven(log: InboxLog): Promise<void> {
    const group = [sessionLogOf(this.id)];
    return eventually(async () => {
      const [[head], [marks]] = await Promise.all([log.newest(group), log.marks(group)]);
      return head?.n === marks?.acked;
    });
  }

  private async done(call: Promise<unknown>): Promise<Frame> {
    const answer = (await call) as Frame;
    if (answer['session_id'] !== this.id) throw new Error(`refused: ${JSON.stringify(answer)}`);
    return answer;
  }
}

export function seqs(frames: readonly Frame[]): unknown[] {
  return frames.map(({ seq }) => seq);
}

export function places(frames: readonly Frame[]): number[] {
  return frames.map((frame) => Number(frame['session_seq']));
}

export function payloads(frames: readonly Frame[]): unknown[] {
  return frames.map(({ payload }) => payload);
}

/** From 1 on, without a hole. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Takes so many entries, acknowledging now and then. */
export async function takeAll(reader: Talker, count: number): Promise<Frame[]> {
  const taken: Frame[] = [];
  while (taken.length < count) {
    const [entry] = (await reader.nextEntries(1)) as [Frame];
    taken.push(entry);
    if (taken.length % 50 === 0) reader.ack(Number(entry['seq']));
  }
  return taken;
}
