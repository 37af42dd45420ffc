import { WebSocket } from 'ws';
import { rawField } from '@allspark/client';
import type { Entry } from '../checker/index.js';
import { groupFields, wordIn } from '../clients/group-fields.js';
import { monotonic } from '../clients/journal-writer.js';
import { shown } from '../clients/sender.js';
import type { Frame } from './dialogue.js';

const ACK_AFTER = 64;
const ANSWERS = new Set<unknown>([-112, -113, -3, -5]);

export interface SeatOrder {
  readonly url: string;
  readonly key: string;
  readonly node: string;
  /** What stands behind the slash of its name as a reader. */
  readonly name: string;
  write(entry: Entry): void;
  /** Every text that comes, hello too. */
  onText?(text: string): void;
}

/** A message of a group as it is given to be sent. */
export interface Speech {
  readonly group: string;
  readonly id: string;
  /** JSON text. */
  readonly payload: string;
  /** Private: the name that is addressed, and whose it is. */
  readonly to?: { readonly name: string; readonly node: string };
  readonly trusted?: true;
}

/** One connection of a node, in the runner: it reads, acknowledges, speaks, and writes all of it down. */
export class Seat {
  readonly node: string;
  readonly reader: string;
  position = 0;
  private acked = 0;
  private readonly socket: WebSocket;
  private readonly answers = new Map<string, (frame: Frame) => void>();
  private readonly greeted: Promise<void>;

  private constructor(private readonly order: SeatOrder) {
    this.node = order.node;
    this.reader = `${order.node}/${order.name}`;
    const target = `${order.url.replace(/^http/, 'ws')}/connect`;
    this.socket = new WebSocket(target, { headers: { authorization: `Bearer ${order.key}` } });
    this.greeted = new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.on('message', (data: Buffer) => this.take(data.toString('utf8'), resolve));
      this.socket.once('close', (code) => this.ended(code));
    });
  }

  static async open(order: SeatOrder): Promise<Seat> {
    const seat = new Seat(order);
    await seat.greeted;
    return seat;
  }

  /** Sends a frame and resolves with what is said to its id. */
  ask(frame: Frame & { id: string }): Promise<Frame> {
    return this.askText(JSON.stringify(frame), frame.id);
  }

  async speak({ group, id, payload, to, trusted }: Speech): Promise<Frame> {
    const { node: src, order } = this;
    const name = { src, dest: group, id };
    const extras = { ...(to && { to: to.node, toName: to.name }), ...(trusted && { trusted }) };
    order.write({ what: 'sent', lane: this.reader, ...name, group, payload: shown(payload), ...extras });
    const dest = to ? `"dest_id":"${to.name}",` : '';
    const text = `{${dest}"dest_session_id":"${group}","id":"${id}","payload":${payload}}`;
    const sentAt = monotonic();
    const answer = await this.askText(text, id);
    const retryAfterMs = answer['retry_after_ms'];
    if (answer['type'] === -112) order.write({ what: 'confirmed', ...name });
    else {
      const waitedMs = Math.round(monotonic() - sentAt);
      const again = typeof retryAfterMs === 'number' && { retryAfterMs };
      order.write({ what: 'refused', ...name, code: String(answer['code']), waitedMs, ...again });
    }
    return answer;
  }

  /** Writes down that it is live. */
  rest(): void {
    this.order.write({ what: 'live', reader: this.reader, node: this.node });
  }

  close(): void {
    this.socket.close(1000);
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  private askText(text: string, id: string): Promise<Frame> {
    const answered = new Promise<Frame>((resolve) => this.answers.set(id, resolve));
    this.sendText(text);
    return answered;
  }

  private take(text: string, greeted: () => void): void {
    this.order.onText?.(text);
    const frame = JSON.parse(text) as Frame;
    if (frame['type'] === -110) return this.hello(frame, greeted);
    if (ANSWERS.has(frame['type']) && frame['status'] !== 'delivered') this.answered(frame);
    if (typeof frame['seq'] === 'number') this.received(frame, frame['seq'], text);
  }

  private hello(hello: Frame, greeted: () => void): void {
    const { node, reader } = this;
    this.acked = Number(hello['acked_seq']);
    this.position = Math.max(this.acked, Number(hello['floor_seq']) - 1);
    this.order.write({ what: 'opened', reader, node, after: this.position, epoch: String(hello['epoch']) });
    greeted();
  }

  private answered(frame: Frame): void {
    const id = String(frame['id']);
    this.answers.get(id)?.(frame);
    this.answers.delete(id);
  }

  private received(frame: Frame, seq: number, text: string): void {
    const { node, reader } = this;
    this.position = seq;
    const payload = shown(rawField(text, 'payload') ?? '');
    const [src, id] = [wordIn(frame, 'src_id'), wordIn(frame, 'id')];
    this.order.write({ what: 'received', reader, node, seq, src, id, payload, ...groupFields(frame) });
    if (seq - this.acked >= ACK_AFTER) this.sendText(`{"type":-111,"seq":${(this.acked = seq)}}`);
  }

  private ended(code: number): void {
    this.order.write({ what: 'closed', client: this.reader, code });
    for (const id of this.answers.keys()) this.answered({ id, code: 'closed', retry_after_ms: 0 });
  }
}
