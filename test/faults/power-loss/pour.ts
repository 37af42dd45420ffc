import type { Random } from '../harness/random.js';
import { pause } from '../harness/wait.js';

import { call } from './http-call.js';
import type { Server } from './server-under-strace.js';
import type { Sent } from './traffic.js';
import { type Frame, WireClient } from './wire-client.js';

const DESTINATIONS = ['d1', 'd2', 'd3', 'd4'];

const PATIENCE_MS = 15_000;
const RETRY_MS = 100;
const BYSTANDERS = 300;
/** Whoever is refused so often has seen enough. */
const MOST_REFUSALS = 200;

export interface PourOptions {
  readonly senders: number;
  /** Messages without an answer, a sender. */
  readonly window: number;
  readonly bytes: number;
  /** Most messages. */
  readonly messages: number;
  /** Stop at the first refusal; otherwise only when the connections are cut. */
  readonly untilRefused?: boolean;
}

/** What came of pouring messages into a server until it takes no more. */
export interface Poured {
  readonly sent: Map<string, Sent>;
  readonly confirmed: Set<string>;
  readonly refusals: Frame[];
  /** Longest time from a message to its answer, or to the end of its connection, ms. */
  slowestMs: number;
  /** When the first message was not confirmed, by the monotonic clock. */
  failedAt: number;
}

export class Pour {
  readonly poured: Poured = { sent: new Map(), confirmed: new Set(), refusals: [], slowestMs: 0, failedAt: Infinity };

  constructor(
    private readonly server: Server,
    private readonly random: Random,
    private readonly options: PourOptions,
    private readonly prefix = 'p',
  ) {}

  async run(): Promise<Poured> {
    for (const node of DESTINATIONS) await makeKnown(this.server, node);
    // They stay until the server closes them: it must not wait for them.
    const bystanders = Array.from({ length: BYSTANDERS }, (_, i) => WireClient.dial(this.server, `b${i + 1}`));
    await Promise.all(bystanders.map((client) => client.opened));
    const senders = Array.from({ length: this.options.senders }, (_, i) => this.sendFrom(`s${i + 1}`));
    await Promise.all(senders);
    return this.poured;
  }

  private async sendFrom(src: string): Promise<void> {
    const client = WireClient.dial(this.server, src);
    if (!(await client.opened)) return;
    await Promise.all(Array.from({ length: this.options.window }, () => this.keepSending(client)));
    client.cut();
  }

  private async keepSending(client: WireClient): Promise<void> {
    while (!client.isClosed && !this.isEnough()) {
      const { id, dest, payload } = this.newMessage(client.nodeId);
      const begun = performance.now();
      const answer = await client.ask({ id, dest_id: dest, payload });
      this.poured.slowestMs = Math.max(this.poured.slowestMs, performance.now() - begun);
      this.take(id, answer);
    }
  }

  private isEnough(): boolean {
    const { sent, refusals } = this.poured;
    const most = this.options.untilRefused === true ? 1 : MOST_REFUSALS;
    return sent.size >= this.options.messages || refusals.length >= most;
  }

  private newMessage(src: string): Sent {
    const id = `${this.prefix}-${String(this.poured.sent.size + 1).padStart(6, '0')}`;
    const dest = DESTINATIONS[this.random.int(0, DESTINATIONS.length - 1)]!;
    const message = { src, dest, id, payload: `${id} ${'x'.repeat(this.options.bytes)}` };
    this.poured.sent.set(id, message);
    return message;
  }

  private take(id: string, frame: Frame | undefined): void {
    if (frame?.['type'] === -112) this.poured.confirmed.add(id);
    else this.poured.failedAt = Math.min(this.poured.failedAt, performance.now());
    if (frame && frame['type'] !== -112) this.poured.refusals.push(frame);
  }
}

/** Sends what had no receipt once more, for as long as it is told to come later, and says what is refused. */
export async function resend(server: Server, messages: readonly Sent[]): Promise<string[]> {
  const refused: string[] = [];
  const deadline = performance.now() + PATIENCE_MS;
  for (const { src, dest, id, payload } of messages) {
    const send = async (): Promise<string> =>
      (await call(server, src, '/v1/messages', { messages: [{ id, dest_id: dest, payload }] })).body;
    let body = await send();
    while (body.includes('"retry_later"') && performance.now() < deadline) {
      await pause(RETRY_MS);
      body = await send();
    }
    if (!/"(stored|duplicate)"/.test(body)) refused.push(`${id} sent again: ${body}`);
  }
  return refused;
}

/** Nobody may be written to who was never there. */
export async function makeKnown(server: Server, node: string): Promise<void> {
  const client = WireClient.dial(server, node);
  await client.opened;
  client.cut();
}

/** Reads every inbox to its tail, and says what of the confirmed is not there, or there more than once. */
export async function missingFrom(server: Server, { sent, confirmed }: Poured): Promise<string[]> {
  const found = new Map<string, number>();
  const wrong: string[] = [];
  for (const node of DESTINATIONS) {
    for (const { id, src_id: src, payload } of await readInbox(server, node)) {
      found.set(id, (found.get(id) ?? 0) + 1);
      const message = sent.get(id);
      if (!message || message.src !== src || message.dest !== node || message.payload !== payload) {
        wrong.push(`${id} is another than was sent`);
      }
    }
  }
  for (const [id, times] of found) if (times > 1) wrong.push(`${id} is there ${times} times`);
  for (const id of confirmed) if (!found.has(id)) wrong.push(`${id} was confirmed and is not there`);
  return wrong;
}

interface Entry {
  readonly id: string;
  readonly seq: number;
  readonly src_id: string;
  readonly payload: unknown;
}

async function readInbox(server: Server, node: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const { status, body } = await call(server, node, `/v1/inbox?after_seq=${entries.at(-1)?.seq ?? 0}&limit=1000`);
    if (status !== 200) throw new Error(`GET /v1/inbox: ${status} ${body}`);
    const page = JSON.parse(body) as { messages: Entry[]; complete: boolean };
    entries.push(...page.messages);
    if (page.complete) return entries;
  }
}
