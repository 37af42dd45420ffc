import { rawField } from '@allspark/client';
import type { ReadOrder } from './commands.js';
import { groupFields, wordIn } from './group-fields.js';
import type { JournalWriter } from './journal-writer.js';
import { type Frame, RawConnection } from './raw-connection.js';
import { type Reader, shown } from './sender.js';
import type { Tally } from './tally.js';

const ACK_AFTER = 64;
const ACK_MS = 500;

/** Reads over bare websockets, resumes where the last one ended, and writes down every frame, repeats too. */
export class RawReader implements Reader {
  readonly reader: string;
  readonly node: string;
  position = 0;
  private epoch: string | undefined;
  private acked = 0;
  private acking: boolean;
  private readonly connection: RawConnection;
  private readonly timer: NodeJS.Timeout;

  constructor(
    order: ReadOrder,
    private readonly journal: JournalWriter,
    private readonly tally: Tally,
  ) {
    this.reader = order.reader;
    this.node = order.node;
    this.acking = order.acks !== 'none';
    this.timer = setInterval(() => this.ack(), ACK_MS);
    this.connection = new RawConnection(order.reader, order.node, order, journal, {
      query: () => (this.epoch === undefined ? '' : `?epoch=${this.epoch}&last_seq=${this.position}`),
      onHello: (hello) => this.greeted(hello),
      onFrame: (frame, text) => this.take(frame, text),
      onLost: () => undefined,
    });
  }

  get connected(): boolean {
    return this.connection.connected;
  }

  acknowledge(): void {
    this.acking = true;
    this.ack();
  }

  readonly hop = (url: string): void => this.connection.hop(url);

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.connection.close();
  }

  private greeted(hello: Frame): void {
    const { reader, node } = this;
    const [acked, floor] = [Number(hello['acked_seq']), Number(hello['floor_seq'])];
    if (hello['resumed'] !== true) this.position = Math.max(acked, floor - 1);
    this.epoch = String(hello['epoch']);
    this.acked = acked;
    this.journal.write({ what: 'acked', node, seq: acked, by: reader });
    this.journal.write({
      what: 'opened',
      reader,
      node,
      after: this.position,
      epoch: this.epoch,
      server: wordIn(hello, 'server_node_id'),
    });
  }

  private take(frame: Frame, text: string): void {
    if (typeof frame['seq'] !== 'number') return;
    const seq = (this.position = frame['seq']);
    this.tally.received += 1;
    const { reader, node } = this;
    const payload = shown(rawField(text, 'payload') ?? '');
    const [src, id] = [wordIn(frame, 'src_id'), wordIn(frame, 'id')];
    this.journal.write({ what: 'received', reader, node, seq, src, id, payload, ...groupFields(frame) });
    if (seq - this.acked >= ACK_AFTER) this.ack();
  }

  private ack(): void {
    if (!this.acking || !this.connected || this.position <= this.acked) return;
    this.acked = this.position;
    this.connection.send(`{"type":-111,"seq":${this.position}}`);
  }
}
