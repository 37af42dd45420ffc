import { type Deferred, deferred } from './deferred.js';
import { AllsparkError } from './errors.js';
import type { Destination } from './frames.js';
import type { Timers } from './timers.js';

export interface Receipt {
  id: string;
  /** `stored` and `duplicate`: durably committed. `sent`: a transient message was written to the socket, no more. */
  status: 'stored' | 'duplicate' | 'sent';
}

export interface OutboxSettings {
  maxMessages: number;
  maxBytes: number;
  /** Durable messages without a receipt on one connection; below the server's limit for refused ones waiting. */
  maxInFlight: number;
}

export interface OutboxMessage {
  id: string;
  lane: string;
  text: string;
  transient: boolean;
}

interface Entry extends OutboxMessage {
  order: number;
  bytes: number;
  /** Copies that this connection was given and has not answered. */
  unanswered: number;
  receipt: Deferred<Receipt>;
}

type Write = (text: string) => void;

const utf8 = new TextEncoder();

/**
 * The destination within which order is kept. A private message inside a session shares the session's lane: one lane
 * too few keeps more order than asked for, one too many would break it.
 */
export function laneOf(destination: Destination): string {
  const { destSessionId, destClientId, destId } = destination;
  if (destSessionId !== undefined) return `session ${destSessionId}`;
  return destClientId === undefined ? `node ${destId ?? ''}` : `client ${destClientId}`;
}

/** Messages without a receipt, in the order in which they were given, each destination a lane of its own. */
export class Outbox {
  readonly #settings: OutboxSettings;
  readonly #timers: Timers;
  #waiting = new Map<string, Entry>();
  readonly #written = new Map<string, Entry>();
  readonly #pausedUntil = new Map<string, number>();
  readonly #wakeUps = new Set<unknown>();
  #write: Write | undefined;
  #maxFrameBytes = 65_536;
  #bytes = 0;
  #nextOrder = 0;

  constructor(settings: OutboxSettings, timers: Timers) {
    this.#settings = settings;
    this.#timers = timers;
  }

  get size(): number {
    return this.#waiting.size + this.#written.size;
  }

  /** Takes a message in; settles with its receipt or its final refusal, over any number of connections. */
  add(message: OutboxMessage): Promise<Receipt> {
    const known = this.#find(message.id);
    if (known?.text === message.text) return known.receipt.promise;
    const bytes = utf8.encode(message.text).length;
    const refusal = this.#refusalOf(message.id, bytes, known !== undefined);
    if (refusal !== undefined) return Promise.reject(refusal);
    const entry: Entry = { ...message, bytes, unanswered: 0, order: this.#nextOrder, receipt: deferred<Receipt>() };
    this.#nextOrder += 1;
    this.#bytes += bytes;
    this.#waiting.set(entry.id, entry);
    this.#pump();
    return entry.receipt.promise;
  }

  /** A connection is there: everything without a receipt goes out again, oldest first, before anything new. */
  open(write: Write, maxFrameBytes: number): void {
    this.#takeBack(() => true);
    for (const entry of this.#waiting.values()) entry.unanswered = 0;
    this.#write = write;
    this.#maxFrameBytes = maxFrameBytes;
    this.#pump();
  }

  /** The connection is gone. Transient messages were for whoever was connected then, so they do not wait for the next. */
  lost(error: AllsparkError): void {
    this.#write = undefined;
    this.#takeBack(() => true);
    for (const entry of this.#waiting.values()) if (entry.transient) this.#fail(entry, error);
  }

  /** True when a message of this id was waiting for it. */
  settle(id: string, status: 'stored' | 'duplicate'): boolean {
    const entry = this.#find(id);
    if (entry === undefined) return false;
    this.#forget(entry);
    entry.receipt.resolve({ id, status });
    this.#pump();
    return true;
  }

  /** A final refusal. True when a message of this id was waiting for it. */
  refuse(id: string, error: AllsparkError): boolean {
    const entry = this.#find(id);
    if (entry === undefined) return false;
    this.#fail(entry, error);
    this.#pump();
    return true;
  }

  /**
   * A refusal for now: the server refuses all that follows to this destination until the refused ones come again in
   * their order, so the lane goes back to this one. True when a message of this id was waiting.
   */
  goBack(id: string, retryAfterMs: number): boolean {
    const first = this.#find(id);
    if (first === undefined) return false;
    first.unanswered -= 1;
    // Of a copy that was followed by another one, which stands in its order: that one's answer counts.
    if (first.unanswered > 0 || !this.#written.has(id)) return true;
    this.#takeBack((entry) => entry.lane === first.lane && entry.order >= first.order);
    // The wait of the first refused one counts; those behind it are refused only because of it.
    if (!this.#isPaused(first.lane)) this.#pause(first.lane, retryAfterMs);
    return true;
  }

  failAll(error: AllsparkError): void {
    this.#write = undefined;
    for (const handle of this.#wakeUps) this.#timers.clearTimeout(handle);
    this.#wakeUps.clear();
    for (const entry of [...this.#written.values(), ...this.#waiting.values()]) this.#fail(entry, error);
  }

  #pump(): void {
    // One moment for all: a pause that ended between two looks would let the second message overtake the first.
    const now = this.#timers.now();
    for (const entry of this.#waiting.values()) {
      if (this.#write === undefined || this.#written.size >= this.#settings.maxInFlight) return;
      if (!entry.transient && this.#isPaused(entry.lane, now)) continue;
      this.#send(entry, this.#write);
    }
  }

  #send(entry: Entry, write: Write): void {
    // The server closes for good on a frame that is too big, so it must not see one.
    if (entry.bytes > this.#maxFrameBytes) return this.#fail(entry, tooLarge(entry.id, this.#maxFrameBytes));
    if (entry.transient) {
      this.#forget(entry);
      write(entry.text);
      return entry.receipt.resolve({ id: entry.id, status: 'sent' });
    }
    this.#waiting.delete(entry.id);
    this.#written.set(entry.id, entry);
    entry.unanswered += 1;
    write(entry.text);
  }

  #takeBack(which: (entry: Entry) => boolean): void {
    const back = [...this.#written.values()].filter(which);
    if (back.length === 0) return;
    for (const entry of back) this.#written.delete(entry.id);
    const all = [...back, ...this.#waiting.values()].sort((a, b) => a.order - b.order);
    this.#waiting = new Map(all.map((entry) => [entry.id, entry]));
  }

  #isPaused(lane: string, now = this.#timers.now()): boolean {
    return (this.#pausedUntil.get(lane) ?? 0) > now;
  }

  #pause(lane: string, ms: number): void {
    this.#pausedUntil.set(lane, this.#timers.now() + ms);
    const handle = this.#timers.setTimeout(() => {
      this.#wakeUps.delete(handle);
      this.#pausedUntil.delete(lane);
      this.#pump();
    }, ms);
    this.#wakeUps.add(handle);
  }

  #refusalOf(id: string, bytes: number, taken: boolean): AllsparkError | undefined {
    if (taken) return new AllsparkError({ code: 'id_conflict', reason: 'another message of this id is waiting', id });
    if (bytes > this.#maxFrameBytes) return tooLarge(id, this.#maxFrameBytes);
    const { maxMessages, maxBytes } = this.#settings;
    if (this.size < maxMessages && this.#bytes + bytes <= maxBytes) return undefined;
    return new AllsparkError({ code: 'outbox_full', reason: `${this.size} messages wait for their receipts`, id });
  }

  #find(id: string): Entry | undefined {
    return this.#written.get(id) ?? this.#waiting.get(id);
  }

  #fail(entry: Entry, error: AllsparkError): void {
    this.#forget(entry);
    entry.receipt.reject(error);
  }

  #forget(entry: Entry): void {
    this.#written.delete(entry.id);
    this.#waiting.delete(entry.id);
    this.#bytes -= entry.bytes;
  }
}

const tooLarge = (id: string, limit: number): AllsparkError =>
  new AllsparkError({ code: 'too_large', reason: `a frame may have ${limit} bytes at most`, id });
