import type { InboxEntry } from './frames.js';
import type { Timers } from './timers.js';

/** Up to where the application has what a session or client has. */
export interface GroupPosition {
  destSessionId?: string;
  destClientId?: string;
  sessionSeq: number;
}

/** A place in the inbox of this node; worth keeping over a restart of the application. */
export interface Position {
  epoch: string;
  lastSeq: number;
  /** What was read from history and lies behind this place: it is not handed over again. */
  history?: GroupPosition[];
}

export interface ReceiverSettings {
  ackAfterMessages: number;
  ackAfterBytes: number;
  ackAfterMs: number;
}

export interface ReceiverEvents {
  /** Hands one entry to the application; the entry counts as processed when this has ended well. */
  handle(entry: InboxEntry): void | Promise<void>;
  onFailure(error: unknown): void;
}

export type Acceptance = 'accepted' | 'duplicate' | 'hole';

/** A connection's side of acknowledging. */
export interface AckTarget {
  ack: (seq: number) => void;
  ackedSeq: number;
  /** The highest seq this connection may acknowledge: its accepted resume, raised by all that it delivers. */
  ceiling: number;
}

type Item = { entry: InboxEntry; position: Position } | { entry?: undefined; position: Position };

/** Keeps the inbox's order: each entry once, none skipped, acknowledged only after the application has processed it. */
export class Receiver {
  readonly #settings: ReceiverSettings;
  readonly #events: ReceiverEvents;
  readonly #timers: Timers;
  readonly #queue: Item[] = [];
  #accepted: Position | undefined;
  #processed: Position | undefined;
  #target: AckTarget | undefined;
  #targetEpoch = '';
  #unackedMessages = 0;
  #unackedBytes = 0;
  #ackTimer: unknown;
  #running: Promise<void> | undefined;
  #failed = false;
  #stopped = false;

  constructor(settings: ReceiverSettings, events: ReceiverEvents, timers: Timers, from?: Position) {
    this.#settings = settings;
    this.#events = events;
    this.#timers = timers;
    this.#accepted = from;
    this.#processed = from;
  }

  /** Up to where the application has processed; what it should persist. */
  get position(): Position | undefined {
    return this.#processed;
  }

  /** Up to where entries are here, processed or queued; what a new connection resumes from. */
  get accepted(): Position | undefined {
    return this.#accepted;
  }

  attach(target: AckTarget, epoch: string): void {
    this.#target = target;
    this.#targetEpoch = epoch;
    this.#scheduleAck();
  }

  detach(): void {
    this.#target = undefined;
    this.#clearAck();
  }

  /** Goes on from another place, behind all that is queued: a first connection, another epoch, entries that are lost. */
  jump(position: Position): void {
    this.#accepted = position;
    this.#queue.push({ position });
    this.#drain();
  }

  accept(entry: InboxEntry): Acceptance {
    const seq = entry.seq ?? 0;
    const last = this.#accepted;
    if (last === undefined || seq > last.lastSeq + 1) return 'hole';
    if (this.#target !== undefined) this.#target.ceiling = Math.max(this.#target.ceiling, seq);
    if (seq <= last.lastSeq) {
      this.#scheduleAck();
      return 'duplicate';
    }
    this.#accepted = { epoch: last.epoch, lastSeq: seq };
    this.#queue.push({ entry, position: this.#accepted });
    this.#drain();
    return 'accepted';
  }

  /** Hands the entry whose handler failed, and those behind it, to the application again. */
  retry(): void {
    this.#failed = false;
    this.#drain();
  }

  /** Starts no handler any more; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Acknowledges at once what was processed. */
  flushAck(): void {
    const target = this.#target;
    const upTo = this.#ackable();
    this.#clearAck();
    if (target === undefined || upTo === undefined) return;
    target.ackedSeq = upTo;
    target.ack(upTo);
  }

  #drain(): void {
    if (this.#running !== undefined || this.#failed || this.#stopped || this.#queue.length === 0) return;
    this.#running = this.#processQueue().finally(() => {
      this.#running = undefined;
      // An entry may have come between the last look at the queue and this turn.
      this.#drain();
    });
  }

  async #processQueue(): Promise<void> {
    for (let item = this.#queue[0]; item !== undefined && !this.#stopped; item = this.#queue[0]) {
      try {
        if (item.entry !== undefined) await this.#events.handle(item.entry);
      } catch (error) {
        this.#failed = true;
        this.#events.onFailure(error);
        return;
      }
      this.#queue.shift();
      this.#processed = item.position;
      if (item.entry !== undefined) this.#count(item.entry.raw.length);
    }
  }

  #count(bytes: number): void {
    this.#unackedMessages += 1;
    this.#unackedBytes += bytes;
    const { ackAfterMessages, ackAfterBytes } = this.#settings;
    if (this.#unackedMessages >= ackAfterMessages || this.#unackedBytes >= ackAfterBytes) this.flushAck();
    else this.#scheduleAck();
  }

  #scheduleAck(): void {
    if (this.#ackTimer !== undefined || this.#ackable() === undefined) return;
    this.#ackTimer = this.#timers.setTimeout(() => this.flushAck(), this.#settings.ackAfterMs);
  }

  #ackable(): number | undefined {
    if (this.#target === undefined || this.#processed?.epoch !== this.#targetEpoch) return undefined;
    const upTo = Math.min(this.#processed.lastSeq, this.#target.ceiling);
    return upTo > this.#target.ackedSeq ? upTo : undefined;
  }

  #clearAck(): void {
    this.#timers.clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#unackedMessages = 0;
    this.#unackedBytes = 0;
  }
}
