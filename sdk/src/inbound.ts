import { Backoff } from './backoff.js';
import { CatchUp, knowsInbox } from './catch-up.js';
import type { Connection } from './connection.js';
import { AllsparkError } from './errors.js';
import { GapFiller, type HistoryCalls, Interrupted } from './gap-filler.js';
import {
  encodeAck,
  type GroupEntry,
  type Hello,
  type InboxEntry,
  isInboxEntry,
  type Message,
  type ServerFrame,
  type Target,
} from './frames.js';
import { type ClientOptions, DEFAULT_ACKS, DEFAULT_BACKOFF, type StatusEvent } from './options.js';
import type { Outbox } from './outbox.js';
import { type Position, Receiver } from './receiver.js';
import type { Timers } from './timers.js';

export interface InboundEvents {
  onStatus(event: StatusEvent): void;
  onError(error: unknown): void;
  onMove(target: Target): void;
  /** Runs a callback of the application; what it throws goes to onError. */
  guard(run: () => void): void;
}

export interface InboundSurroundings {
  options: ClientOptions;
  timers: Timers;
  random: () => number;
  outbox: Outbox;
  history: HistoryCalls;
}

type Refusal = Extract<ServerFrame, { kind: 'error' | 'node_unknown' | 'session_denied' }>;

/** Everything that comes in: hands each frame to whom it concerns. */
export class Inbound {
  readonly receiver: Receiver;
  readonly #options: ClientOptions;
  readonly #timers: Timers;
  readonly #outbox: Outbox;
  readonly #events: InboundEvents;
  readonly #gaps: GapFiller;
  #current: Connection | undefined;
  #catchUp: CatchUp | undefined;
  /** While two connections are open each gets every transient message: those that the old one brought. */
  #overlap: { old: Connection; seen: Set<string> } | undefined;

  constructor(surroundings: InboundSurroundings, events: InboundEvents) {
    const { options, timers, random, outbox, history } = surroundings;
    this.#options = options;
    this.#timers = timers;
    this.#outbox = outbox;
    this.#events = events;
    const handlers = {
      handle: (entry: InboxEntry) => this.#handle(entry),
      onFailure: (error: unknown) => this.#onFailure(error),
    };
    const backoff = new Backoff({ ...DEFAULT_BACKOFF, ...options.backoff, random });
    const filling = { handle: (entry: GroupEntry) => this.#hand(entry), onError: handlers.onFailure };
    this.#gaps = new GapFiller(history, filling, timers, backoff, options.resumeFrom?.history);
    this.receiver = new Receiver({ ...DEFAULT_ACKS, ...options.acks }, handlers, timers, options.resumeFrom);
  }

  /** Up to where the application has processed what came. */
  get position(): Position | undefined {
    const at = this.receiver.position;
    const history = this.#gaps.had;
    if (at === undefined) return undefined;
    return { epoch: at.epoch, lastSeq: at.lastSeq, ...(history.length === 0 ? {} : { history }) };
  }

  /** Hands nothing over any more; resolves when the handler that runs has ended. */
  stop(): Promise<void> {
    this.#gaps.stop();
    return this.receiver.stop();
  }

  /** From now on this connection counts, and no other. */
  begin(connection: Connection, hello: Hello): void {
    this.end();
    this.#current = connection;
    const start = Math.max(hello.ackedSeq, hello.floorSeq - 1);
    const { asked } = connection;
    if (asked === undefined) this.receiver.jump({ epoch: hello.epoch, lastSeq: start });
    else if (!hello.resumed) this.#fallBack(hello, knowsInbox(hello, asked));
    const ceiling = hello.resumed ? (asked?.lastSeq ?? 0) : 0;
    const ack = (seq: number): void => connection.send(encodeAck(seq));
    this.receiver.attach({ ack, ackedSeq: hello.ackedSeq, ceiling }, hello.epoch);
    if (asked !== undefined && !hello.resumed && this.#options.onMessage !== undefined)
      void this.#catchUpTo(start, hello, connection);
  }

  /** Another connection is about to be opened beside this one, which still counts. */
  expectMove(old: Connection): void {
    this.#overlap = { old, seen: new Set() };
  }

  /** The other one was not to be had. */
  stays(): void {
    this.#overlap = undefined;
  }

  /** The connection is gone. */
  end(): void {
    this.#current = undefined;
    this.#catchUp?.stop();
    this.#catchUp = undefined;
    this.receiver.detach();
  }

  /** One frame of the connection that counts; one that is closed brings none. */
  take(frame: ServerFrame): void {
    if (frame.kind === 'receipt') return this.#onReceipt(frame);
    if (isInboxEntry(frame)) return this.#onEntry(frame);
    if (frame.kind === 'error' || frame.kind === 'node_unknown' || frame.kind === 'session_denied') {
      return this.#onRefusal(frame);
    }
    if (frame.kind === 'page') return this.#catchUp?.onPage(frame.id, frame.page);
    if (frame.kind === 'offline') {
      return this.#events.guard(() => this.#options.onOffline?.({ id: frame.id, destId: frame.srcId }));
    }
    if (frame.kind === 'move') this.#events.onMove(frame);
  }

  #onEntry(entry: InboxEntry): void {
    if (entry.kind === 'message' && entry.seq === undefined) return this.#onTransient(entry);
    // Nobody is there to process it: acknowledging would take it away from those who are.
    if (this.#options.onMessage === undefined) return;
    if (this.#catchUp?.running === true) return this.#catchUp.hold(entry);
    if (this.receiver.accept(entry) !== 'hole') return;
    const last = this.receiver.accepted?.lastSeq ?? 0;
    this.#current?.drop(`a hole in the inbox: seq ${entry.seq} behind ${last}`);
  }

  #onTransient(message: Message): void {
    const key = `${message.srcId} ${message.id}`;
    if (this.#overlap?.old === this.#current) this.#overlap?.seen.add(key);
    else if (this.#overlap?.seen.delete(key) === true) return;
    // Not behind the durable ones: what is only for now would come too late.
    this.#events.guard(() => {
      const done = this.#options.onMessage?.(message);
      if (done instanceof Promise) done.catch((error: unknown) => this.#events.onError(error));
    });
  }

  #onReceipt(frame: Extract<ServerFrame, { kind: 'receipt' }>): void {
    if (frame.status !== 'delivered') {
      this.#outbox.settle(frame.id, frame.status);
      return;
    }
    const { id, destId } = frame;
    this.#events.guard(() => this.#options.onDelivered?.({ id, ...(destId === undefined ? {} : { destId }) }));
  }

  #onRefusal(frame: Refusal): void {
    const { kind: _, ...details } = frame;
    const error = new AllsparkError(details);
    if (this.#catchUp?.onError(frame.id, error) === true) return;
    const found = frame.id !== undefined && this.#refuse(frame.id, error);
    if (!found) this.#events.onError(error);
  }

  #refuse(id: string, error: AllsparkError): boolean {
    if (error.retryAfterMs === undefined) return this.#outbox.refuse(id, error);
    return this.#outbox.goBack(id, error.retryAfterMs);
  }

  #fallBack(hello: Hello, known: boolean): void {
    const last = this.receiver.accepted;
    const epochChanged = last?.epoch !== hello.epoch;
    if (epochChanged) this.#gaps.forget();
    const lastReadable = hello.floorSeq - 1;
    const stand = known && !epochChanged ? last.lastSeq : undefined;
    const lost = stand !== undefined && stand < lastReadable ? { fromSeq: stand + 1, toSeq: lastReadable } : undefined;
    if (stand === undefined || lost !== undefined) this.receiver.jump({ epoch: hello.epoch, lastSeq: lastReadable });
    this.#events.onStatus({
      status: 'insufficient_state',
      epochChanged,
      ...(lost === undefined ? {} : { lost }),
    });
  }

  async #catchUpTo(until: number, hello: Hello, connection: Connection): Promise<void> {
    const catchUp = new CatchUp(connection, this.receiver, this.#timers, {
      onDone: (held) => held.forEach((entry) => this.#onEntry(entry)),
      onLost: (lost) => this.#events.onStatus({ status: 'insufficient_state', epochChanged: false, lost }),
      onFailure: (error) => {
        this.#events.onError(error);
        connection.drop('the inbox could not be read');
      },
    });
    this.#catchUp = catchUp;
    await catchUp.run(hello, until);
  }

  #onFailure(error: unknown): void {
    if (!(error instanceof Interrupted)) this.#events.onError(error);
  }

  async #handle(entry: InboxEntry): Promise<void> {
    if (entry.kind === 'gone') return this.#options.onGone?.(entry);
    if (entry.kind === 'gap') {
      await this.#options.onGap?.(entry);
      return this.#gaps.bridge(entry);
    }
    if (this.#gaps.knows(entry)) return undefined;
    await this.#hand(entry);
    this.#gaps.passed(entry);
  }

  #hand(entry: GroupEntry): void | Promise<void> {
    return entry.kind === 'event' ? this.#options.onSessionEvent?.(entry) : this.#options.onMessage?.(entry);
  }
}
