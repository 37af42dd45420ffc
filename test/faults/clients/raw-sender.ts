import type { SendOrder } from './commands.js';
import { type JournalWriter, monotonic } from './journal-writer.js';
import { type Frame, RawConnection } from './raw-connection.js';
import { payloadText, type Sender, shown } from './sender.js';
import type { Tally } from './tally.js';

interface Open {
  readonly text: string;
  writtenAt: number;
  /** Copies that this connection was given and has not answered. */
  unanswered: number;
}

const RECEIPT = -112;
const OFFLINE = -4;
const REFUSALS = new Set<unknown>([-113, -3, -5]);

/** Sends over bare websockets to one destination: on each new one first, oldest first, what has no answer. */
export class RawSender implements Sender {
  readonly src: string;
  readonly perSecond: number;
  private readonly dest: string;
  private readonly open = new Map<string, Open>();
  private readonly connection: RawConnection;
  private paused = false;
  private count = 0;

  constructor(
    private readonly order: SendOrder,
    private readonly journal: JournalWriter,
    private readonly tally: Tally,
  ) {
    this.src = order.src;
    this.perSecond = order.perSecond;
    this.dest = order.dests[0] as string;
    this.connection = new RawConnection(order.src, order.src, order, journal, {
      query: () => '',
      onHello: () => this.begin(),
      onFrame: (frame) => this.take(frame),
      onLost: () => undefined,
    });
  }

  get waiting(): number {
    return this.open.size;
  }

  get connected(): boolean {
    return this.connection.connected;
  }

  sendOne(): void {
    if (this.waiting >= (this.order.mostOpen ?? 200)) return;
    this.count += 1;
    const id = `${this.src}-${this.count}`;
    const payload = payloadText(this.src, this.count, this.order.bytes ?? 40);
    const field = this.order.toSessions ? 'dest_session_id' : 'dest_id';
    const entry = {
      text: `{"${field}":"${this.dest}","id":"${id}","payload":${payload}}`,
      writtenAt: 0,
      unanswered: 0,
    };
    this.open.set(id, entry);
    this.tally.sent += 1;
    const group = this.order.toSessions && { group: this.dest };
    this.journal.write({ what: 'sent', lane: this.src, ...this.name(id), payload: shown(payload), ...group });
    if (this.connected && !this.paused) this.write(entry);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private name(id: string): { src: string; dest: string; id: string } {
    return { src: this.src, dest: this.dest, id };
  }

  private write(entry: Open): void {
    entry.writtenAt = monotonic();
    entry.unanswered += 1;
    this.connection.send(entry.text);
  }

  private begin(): void {
    for (const entry of this.open.values()) entry.unanswered = 0;
    this.resend();
  }

  private resend(): void {
    this.paused = false;
    if (this.connected) for (const entry of this.open.values()) this.write(entry);
  }

  private take(frame: Frame): void {
    const id = String(frame['id']);
    if (frame['type'] === OFFLINE) this.journal.write({ what: 'offline', ...this.name(id) });
    const entry = this.open.get(id);
    if (entry === undefined) return;
    if (frame['type'] === RECEIPT && frame['status'] !== 'delivered') {
      this.open.delete(id);
      this.tally.confirmed += 1;
      this.journal.write({ what: 'confirmed', ...this.name(id) });
    }
    if (REFUSALS.has(frame['type'])) this.refused(id, frame, entry);
  }

  private refused(id: string, frame: Frame, entry: Open): void {
    const { writtenAt } = entry;
    entry.unanswered -= 1;
    const code = String(frame['code']);
    const waitedMs = Math.round(monotonic() - writtenAt);
    this.tally.refused += 1;
    const retryAfterMs = frame['retry_after_ms'];
    if (typeof retryAfterMs !== 'number') {
      this.open.delete(id);
      return this.journal.write({ what: 'refused', ...this.name(id), code, waitedMs });
    }
    this.journal.write({ what: 'refused', ...this.name(id), code, retryAfterMs, waitedMs });
    // Of a copy that was followed by another one, which stands in its order: that one's answer counts.
    if (this.paused || entry.unanswered > 0) return;
    this.paused = true;
    // All behind the first refused one are refused with it; after the pause they go out again in their order.
    setTimeout(() => this.paused && this.resend(), retryAfterMs);
  }
}
