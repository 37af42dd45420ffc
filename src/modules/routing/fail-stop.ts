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
  /** What failed and came again, and its end since: the sender may have sent it a third time before it knew. */
  private readonly again = new Map<string, 'open' | 'stored' | 'refused'>();
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
    const name = `${destination} ${id}`;
    // Its id is not used up: whoever sends it after that refusal wants it stored.
    if (this.again.get(name) === 'refused') this.again.delete(name);
    const waiting = this.failed.get(destination);
    if (!waiting) return (this.ordinals += 1);
    if (waiting[0]?.id === id) {
      this.remember(name);
      return this.remove(destination, waiting, 0)?.ordinal;
    }
    this.fail(destination, id, (this.ordinals += 1));
    return undefined;
  }

  /**
   * The message that entered with `ordinal` failed for now. It owes one place, however often it failed: that of its first
   * copy, which may be the last to be answered when the sender sent it again before it was.
   */
  fail(destination: string, id: string, ordinal: number): void {
    if (this.stopped || (this.again.get(`${destination} ${id}`) ?? 'open') !== 'open') return;
    const waiting = this.failed.get(destination) ?? [];
    this.failed.set(destination, waiting);
    const known = waiting.findIndex((each) => each.id === id);
    const [copy] = known < 0 ? [] : waiting.splice(known, 1);
    const failed = { id, ordinal: Math.min(ordinal, copy?.ordinal ?? ordinal) };
    const later = waiting.findIndex((each) => each.ordinal > failed.ordinal);
    waiting.splice(later < 0 ? waiting.length : later, 0, failed);
    if (!copy) this.owed += 1;
    if (this.owed > this.settings.failStopMessages) this.exhausted();
    else if (!this.patience.has(destination)) this.waitFor(destination);
  }

  /**
   * A copy of the message is stored, or refused for good: it owes nothing any more, whatever became of other copies; one
   * that was refused until it enters anew.
   */
  settle(destination: string, id: string, how: 'stored' | 'refused'): void {
    const name = `${destination} ${id}`;
    if (this.again.has(name)) this.again.set(name, how);
    const waiting = this.failed.get(destination) ?? [];
    const place = waiting.findIndex((each) => each.id === id);
    if (place >= 0) this.remove(destination, waiting, place);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.patience.values()) timer.cancel();
    this.failed.clear();
    this.again.clear();
  }

  private remember(name: string): void {
    this.again.delete(name);
    this.again.set(name, 'open');
    if (this.again.size > this.settings.failStopMessages) this.again.delete(this.again.keys().next().value!);
  }

  private waitFor(destination: string): void {
    this.patience.set(destination, this.clock.after(this.settings.failStopMs, this.exhausted));
  }

  /** Patience counts anew for the next when the first of a destination goes. */
  private remove(destination: string, waiting: Failed[], place: number): Failed | undefined {
    const [removed] = waiting.splice(place, 1);
    this.owed -= 1;
    if (place > 0) return removed;
    this.patience.get(destination)?.cancel();
    this.patience.delete(destination);
    if (waiting.length === 0) this.failed.delete(destination);
    else this.waitFor(destination);
    return removed;
  }
}
