import type { Backoff } from './backoff.js';
import { deferred } from './deferred.js';
import { AllsparkError } from './errors.js';
import type { Destination, Gap, GroupEntry, HistoryPage, HistoryRange } from './frames.js';
import type { GroupPosition } from './receiver.js';
import type { Timers } from './timers.js';

/** What a gap is filled by. */
export interface HistoryCalls {
  messages(group: Destination, range: HistoryRange): Promise<HistoryPage>;
  /** What this node is known by in the group: its messages are not for itself. */
  ownNames(group: Destination): Promise<readonly string[]>;
  ack(seq: number): Promise<unknown>;
}

export interface GapEvents {
  /** Hands one entry to the application; that one counts as had when this has ended well. */
  handle(entry: GroupEntry): void | Promise<void>;
  onError(error: unknown): void;
}

/** The client closes while a gap is being filled; nothing went wrong. */
export class Interrupted extends Error {}

/** An answer that no repetition would change. */
class Unreadable extends Error {
  constructor(readonly refusal: AllsparkError) {
    super(refusal.message);
  }
}

const FINAL_STATUSES = new Set([400, 403, 404, 409]);

/** Reads what a full seat left out of the inbox, and knows up to where that was handed over. */
export class GapFiller {
  readonly #calls: HistoryCalls;
  readonly #events: GapEvents;
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  readonly #had = new Map<string, GroupPosition>();
  readonly #stop = deferred<void>();
  #stopped = false;

  constructor(calls: HistoryCalls, events: GapEvents, timers: Timers, backoff: Backoff, had?: GroupPosition[]) {
    this.#calls = calls;
    this.#events = events;
    this.#timers = timers;
    this.#backoff = backoff;
    for (const position of had ?? []) this.#had.set(groupOf(position), position);
  }

  /** Up to where groups were read from history; none that the inbox has passed since. */
  get had(): GroupPosition[] {
    return [...this.#had.values()];
  }

  /** Whether the application has it from history. Entries of a group come in order, so the first later one ends that. */
  knows(entry: GroupEntry): boolean {
    return (entry.sessionSeq ?? Number.POSITIVE_INFINITY) <= (this.#had.get(groupOf(entry))?.sessionSeq ?? 0);
  }

  /** The inbox has come to this entry. */
  passed(entry: GroupEntry): void {
    if (entry.sessionSeq !== undefined) this.#had.delete(groupOf(entry));
  }

  /** Another epoch counts anew. */
  forget(): void {
    this.#had.clear();
  }

  stop(): void {
    this.#stopped = true;
    this.#stop.resolve();
  }

  /** Resolves when the application has all that can be read of it. Rejects as its handler does; then fill it again. */
  async bridge(gap: Gap): Promise<void> {
    try {
      const own = new Set(await this.#patiently(() => this.#calls.ownNames(gap)));
      // A client that dies meanwhile is shown the gap again, as long as it is not acknowledged …
      await this.#readOn(gap, own);
      // … but only then the inbox takes up what follows: what was left out until now is read behind it.
      await this.#patiently(() => this.#calls.ack(gap.seq));
      await this.#readOn(gap, own);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#had.delete(groupOf(gap));
      this.#events.onError(lostOf(gap, error.refusal));
    }
  }

  /** Up to where the group's tail is at the first look: it may grow faster than the application handles it. */
  async #readOn(gap: Gap, own: ReadonlySet<string>): Promise<void> {
    let until = Number.POSITIVE_INFINITY;
    for (let last = this.#lastOf(gap); last < until; last = this.#lastOf(gap)) {
      const page = await this.#patiently(() => this.#calls.messages(groupIn(gap), { after: last }));
      until = Math.min(until, page.tail);
      for (const entry of page.messages) await this.#handOver(gap, entry, own);
      const isNothing = page.messages.length === 0;
      if (page.complete || isNothing) this.#remember(gap, page.tail);
    }
  }

  async #handOver(gap: Gap, entry: GroupEntry, own: ReadonlySet<string>): Promise<void> {
    if (this.#stopped) throw new Interrupted();
    // What happened to oneself comes to the inbox too, what one wrote does not.
    if (entry.kind === 'event' || !own.has(entry.srcId)) await this.#events.handle(entry);
    this.#remember(gap, entry.sessionSeq ?? 0);
  }

  #lastOf(gap: Gap): number {
    return Math.max(gap.fromSessionSeq - 1, this.#had.get(groupOf(gap))?.sessionSeq ?? 0);
  }

  #remember(gap: Gap, sessionSeq: number): void {
    this.#had.set(groupOf(gap), { ...groupIn(gap), sessionSeq: Math.max(sessionSeq, this.#lastOf(gap)) });
  }

  /** Repeats the call until there is an answer: without it the application would miss what others were told is stored. */
  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#stopped) throw new Interrupted();
      try {
        const answer = await call();
        this.#backoff.reset();
        return answer;
      } catch (error) {
        if (error instanceof AllsparkError && FINAL_STATUSES.has(error.status ?? 0)) throw new Unreadable(error);
        await this.#pause(error instanceof AllsparkError ? error.retryAfterMs : undefined);
      }
    }
  }

  async #pause(leastMs: number | undefined): Promise<void> {
    const pause = deferred<void>();
    const timer = this.#timers.setTimeout(() => pause.resolve(), this.#backoff.next(leastMs));
    await Promise.race([pause.promise, this.#stop.promise]);
    this.#timers.clearTimeout(timer);
  }
}

/** The group alone, as a destination. */
function groupIn({ destSessionId, destClientId }: Destination): Destination {
  return destSessionId === undefined ? { destClientId } : { destSessionId };
}

const groupOf = ({ destSessionId, destClientId }: Destination): string =>
  destSessionId === undefined ? `client ${destClientId ?? ''}` : `session ${destSessionId}`;

function lostOf(gap: Gap, { code, reason, status }: AllsparkError): AllsparkError {
  const what = `messages of ${groupOf(gap)} from session_seq ${gap.fromSessionSeq} on cannot be read`;
  return new AllsparkError({ code, reason: `${what}: ${reason}`, ...(status === undefined ? {} : { status }) });
}
