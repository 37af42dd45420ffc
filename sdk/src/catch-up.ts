import { type Deferred, deferred } from './deferred.js';
import { AllsparkError } from './errors.js';
import { encodeFetchInbox, type Hello, type InboxEntry, type InboxPage, type InboxRange } from './frames.js';
import type { Receiver } from './receiver.js';
import type { Timers } from './timers.js';

/** Entries that nobody can read any more; both seqs are included. */
export interface LostEntries {
  fromSeq: number;
  toSeq: number;
}

export interface CatchUpEvents {
  /** The older entries are with the receiver; these were delivered meanwhile, in order. */
  onDone(held: InboxEntry[]): void;
  onLost(lost: LostEntries): void;
  onFailure(error: unknown): void;
}

/** Whether what this client knows of the inbox still holds in the inbox that the hello describes. */
export function knowsInbox(hello: Hello, asked: { epoch: string; lastSeq: number }): boolean {
  return asked.epoch === hello.epoch && asked.lastSeq <= hello.tailSeq;
}

/**
 * Reads what lies between the place where the client stood (or the floor) and the place from where the server delivers.
 * What is delivered meanwhile waits here, so that the receiver sees one order.
 */
export class CatchUp {
  readonly #connection: { send(text: string): void };
  readonly #receiver: Receiver;
  readonly #timers: Timers;
  readonly #events: CatchUpEvents;
  readonly #held: InboxEntry[] = [];
  #request: { id: string; page: Deferred<InboxPage> } | undefined;
  #requests = 0;
  #running = true;

  constructor(connection: { send(text: string): void }, receiver: Receiver, timers: Timers, events: CatchUpEvents) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#timers = timers;
    this.#events = events;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Keeps an entry that was delivered while the older ones are still read. */
  hold(entry: InboxEntry): void {
    this.#held.push(entry);
  }

  onPage(id: string | undefined, page: InboxPage): void {
    if (id === this.#request?.id) this.#request?.page.resolve(page);
  }

  /** True when the error answers a request of this reader. */
  onError(id: string | undefined, error: AllsparkError): boolean {
    if (id === undefined || id !== this.#request?.id) return false;
    this.#request.page.reject(error);
    return true;
  }

  stop(): void {
    this.#running = false;
  }

  /** Reads up to and including `until`, then hands over what was held. Does nothing more once stopped. */
  async run(hello: Hello, until: number): Promise<void> {
    try {
      while (this.#running && this.#stand() < until) await this.#step(hello.epoch, until);
    } catch (error) {
      if (this.#running) this.#events.onFailure(error);
      this.#running = false;
    }
    if (!this.#running) return;
    this.#running = false;
    this.#events.onDone(this.#held);
  }

  async #step(epoch: string, until: number): Promise<void> {
    const before = this.#stand();
    const page = await this.#read({ afterSeq: before, beforeSeq: until + 1 });
    if (!this.#running) return;
    if (page.epoch !== epoch) throw new AllsparkError({ code: 'epoch_changed', reason: 'the inbox has another epoch' });
    this.#skipBelow(Math.min(page.floorSeq - 1, until), epoch);
    for (const entry of page.messages) {
      if (this.#receiver.accept(entry) === 'hole')
        throw new AllsparkError({ code: 'hole', reason: `seq ${entry.seq}` });
    }
    if (this.#stand() === before) throw new AllsparkError({ code: 'hole', reason: `nothing behind seq ${before}` });
  }

  #skipBelow(lastLost: number, epoch: string): void {
    const from = this.#stand();
    if (lastLost <= from) return;
    this.#events.onLost({ fromSeq: from + 1, toSeq: lastLost });
    this.#receiver.jump({ epoch, lastSeq: lastLost });
  }

  async #read(range: InboxRange): Promise<InboxPage> {
    this.#requests += 1;
    const request = { id: `inbox-${this.#requests}`, page: deferred<InboxPage>() };
    this.#request = request;
    this.#connection.send(encodeFetchInbox(request.id, range));
    try {
      return await request.page.promise;
    } catch (error) {
      if (!(error instanceof AllsparkError) || error.retryAfterMs === undefined) throw error;
      const pause = deferred<void>();
      this.#timers.setTimeout(() => pause.resolve(), error.retryAfterMs);
      await pause.promise;
      return this.#running ? this.#read(range) : Promise.reject(error);
    }
  }

  #stand(): number {
    return this.#receiver.accepted?.lastSeq ?? 0;
  }
}
