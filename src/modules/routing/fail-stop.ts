import type { Clock, Timer } from '../../common/clock.js';
import type { RoutingSettings } from './routing.settings.js';

interface Failed {
  /** Its place among all durable messages of the sender. */
  readonly ordinal: number;
  readonly id: string;
}

/**
 * Keeps first-in-first-out over failures: once a message to a destination failed for now, every later one of the same
 * sender to it fails too, until the failed ones come again in their order. One per connection, or per REST batch.
 */
export class FailStop {
  private readonly failed = new Map<string, Failed[]>();
  /** By destination: how long its first failed message may still stay away. */
  private readonly patience = new Map<string, Timer>();
  private ordinals = 0;
  private owed = 0;
  private stopped = false;

  /** `exhausted`: the sender did not send again in time, or owes too many. */
  constructor(
    private readonly clock: Clock,
    private readonly settings: Pick<RoutingSettings, 'failStopMs' | 'failStopMessages'>,
    private readonly exhausted: () => void,
  ) {}

  /**
   * Whether a message may go on: its place in the sender's order, to be given back with `fail`. `undefined`: it has to
   * wait for those that failed before it, and counts as failed too.
   */
  enter(destination: string, id: string): number | undefined {
    const waiting = this.failed.get(destination);
    if (!waiting) return (this.ordinals += 1);
    if (waiting[0]?.id === id) return this.shift(destination, waiting);
    this.fail(destination, id, (this.ordinals += 1));
    return undefined;
  }

  /**
   * The message that entered with `ordinal` failed for now. It owes one place, however often it failed: that of its first
   * copy, which may be the last to be answered when the sender sent it again before it was.
   */
  fail(destination: string, id: string, ordinal: number): void {
    const waiting = this.failed.get(destination) ?? [];
    if (this.stopped) return;
    this.failed.set(destination, waiting);
    const known = waiting.findIndex((each) => each.id === id);
    if (known >= 0) return this.moveForward(waiting, known, ordinal);
    insert(waiting, { ordinal, id });
    this.owed += 1;
    if (this.owed > this.settings.failStopMessages) this.exhausted();
    else if (!this.patience.has(destination)) this.waitFor(destination);
  }

  /** A copy of the message is stored, or refused for good: it owes nothing any more, whatever became of other copies. */
  settle(destination: string, id: string): void {
    const waiting = this.failed.get(destination);
    const place = waiting?.findIndex((each) => each.id === id) ?? -1;
    if (!waiting || place < 0) return;
    if (place === 0) return void this.shift(destination, waiting);
    waiting.splice(place, 1);
    this.owed -= 1;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.patience.values()) timer.cancel();
    this.failed.clear();
  }

  private moveForward(waiting: Failed[], place: number, ordinal: number): void {
    const [known] = waiting.splice(place, 1) as [Failed];
    insert(waiting, { ...known, ordinal: Math.min(known.ordinal, ordinal) });
  }

  private waitFor(destination: string): void {
    this.patience.set(destination, this.clock.after(this.settings.failStopMs, this.exhausted));
  }

  private shift(destination: string, waiting: Failed[]): number | undefined {
    const first = waiting.shift();
    this.owed -= 1;
    this.patience.get(destination)?.cancel();
    this.patience.delete(destination);
    if (waiting.length === 0) this.failed.delete(destination);
    else this.waitFor(destination);
    return first?.ordinal;
  }
}

function insert(waiting: Failed[], failed: Failed): void {
  const later = waiting.findIndex((each) => each.ordinal > failed.ordinal);
  waiting.splice(later < 0 ? waiting.length : later, 0, failed);
}
