import type { Random } from '../harness/random.js';
import { pause } from '../harness/wait.js';
import { call } from './http-call.js';
import { type Frame, WireClient } from './wire-client.js';

export interface Sent {
  readonly src: string;
  readonly dest: string;
  /** It went to a session, and so to all of these but its source. */
  readonly members?: readonly string[];
  readonly id: string;
  readonly payload: string;
}

/** What the clients wrote down. */
export interface Journal {
  /** By message id, which no two messages share. */
  readonly sent: Map<string, Sent>;
  /** Ids that were answered `stored` or `duplicate`, as often as they were. */
  readonly confirmed: string[];
  readonly delivered: Array<{ readonly node: string; readonly seq: number; readonly id: string }>;
  /** Answers that were none of what was expected. */
  readonly others: Frame[];
}

const SENDERS = ['s1', 's2', 's3'];
/** The last has no reader. */
const DESTINATIONS = ['d1', 'd2', 'd3', 'd4'];
const MEMBERS = [...SENDERS, ...DESTINATIONS];
/** One message of so many is for the session that all are in. */
const IN_SESSION = 6;
const READER_LIVES = 50;
const RETRY_MS = 20;

/**
 * Sends so many messages over two connections of each sender; every fifth goes out on both at once, so that one of them
 * is answered `duplicate` while the other is on its way to the disk. Readers acknowledge, and come back now and then.
 */
export class Traffic {
  readonly journal: Journal = { sent: new Map(), confirmed: [], delivered: [], others: [] };
  private begun = 0;
  private session = '';

  constructor(
    /** Of one server, or of two on one store: then readers are at both, and each sender too. */
    private readonly urls: readonly string[],
    private readonly random: Random,
    private readonly messages: number,
  ) {}

  async run(): Promise<Journal> {
    await Promise.all(DESTINATIONS.map((node) => this.makeKnown(node)));
    this.session = await this.makeSession();
    const readers = DESTINATIONS.slice(0, 3).map((node, i) => this.read(node, i % 2));
    await Promise.all(SENDERS.map((src) => this.sendFrom(src)));
    for (const stop of readers) stop();
    return this.journal;
  }

  private server(at: number): { readonly url: string } {
    return { url: this.urls[at] ?? this.urls[0] ?? '' };
  }

  /** Nobody may be written to who was never there. */
  private async makeKnown(node: string): Promise<void> {
    const client = WireClient.dial(this.server(0), node);
    await client.opened;
    client.cut();
  }

  private async makeSession(): Promise<string> {
    const [owner = '', ...others] = MEMBERS;
    const { body } = await call(this.server(0), owner, '/v1/sessions', { anyone_can_join: true });
    const { session_id: session } = JSON.parse(body) as { session_id: string };
    for (const node of others) {
      const { status } = await call(this.server(0), node, `/v1/sessions/${session}/join`, {});
      if (status !== 200) throw new Error(`${node} did not come into the session: ${status}`);
    }
    return session;
  }

  private read(node: string, at: number): () => void {
    let isOver = false;
    let current: WireClient | undefined;
    const live = async (): Promise<void> => {
      const client = (current = WireClient.dial(this.server(at), node));
      let taken = 0;
      client.on((frame) => {
        if (typeof frame['seq'] !== 'number' || !this.journal.sent.has(String(frame['id']))) return;
        this.journal.delivered.push({ node, seq: frame['seq'], id: String(frame['id']) });
        taken += 1;
        if (taken % 7 === 0) client.send({ type: -111, seq: frame['seq'] });
        if (taken === READER_LIVES) client.cut();
      });
      await client.closed;
      if (!isOver) void live();
    };
    void live();
    return () => {
      isOver = true;
      current?.cut();
    };
  }

  private async sendFrom(src: string): Promise<void> {
    const pair = [0, 1].map((at) => WireClient.dial(this.server(at), src));
    const window = this.random.int(2, 12);
    await Promise.all(pair.map((client) => client.opened));
    await Promise.all(Array.from({ length: window }, () => this.keepSending(src, pair)));
    for (const client of pair) client.cut();
  }

  private async keepSending(src: string, pair: readonly WireClient[]): Promise<void> {
    while (this.begun < this.messages) {
      this.begun += 1;
      const message = this.newMessage(src);
      const on = this.begun % 5 === 0 ? pair : [pair[this.random.int(0, 1)]!];
      await Promise.all(on.map((client) => this.send(client, message)));
    }
  }

  private newMessage(src: string): Sent {
    const to = this.random.int(1, IN_SESSION) === 1 ? { dest: this.session, members: MEMBERS } : this.anyNode();
    const id = `m-${String(this.begun).padStart(6, '0')}`;
    const payload = `${id} ${'x'.repeat(this.random.int(0, this.random.next() < 0.05 ? 9_000 : 200))}`;
    const message = { src, ...to, id, payload };
    this.journal.sent.set(id, message);
    return message;
  }

  private anyNode(): { readonly dest: string } {
    return { dest: this.random.pick(DESTINATIONS) };
  }

  /** Two servers that append to one log stand in each other's way now and then, and say so. */
  private async send(client: WireClient, { dest, members, id, payload }: Sent): Promise<void> {
    const frame = { id, [members ? 'dest_session_id' : 'dest_id']: dest, payload };
    let answer = await client.ask(frame);
    while (answer?.['retry_after_ms'] !== undefined) {
      await pause(RETRY_MS);
      answer = await client.ask(frame);
    }
    if (answer?.['type'] === -112) this.journal.confirmed.push(id);
    else this.journal.others.push(answer ?? { id, closed: true });
  }
}
