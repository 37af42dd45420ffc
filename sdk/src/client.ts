import { Backoff, comesBack, KEY_EXPIRED, retryAfterOfReason } from './backoff.js';
import { Connection, socketUrl } from './connection.js';
import { deferred } from './deferred.js';
import { AllsparkError } from './errors.js';
import {
  type Destination,
  encodeMessage,
  type Hello,
  type HistoryPage,
  type HistoryRange,
  type InboxPage,
  type InboxRange,
  type OutgoingMessage,
  type Target,
} from './frames.js';
import type { HistoryCalls } from './gap-filler.js';
import { HttpApi, KeyRing } from './http.js';
import { Inbound } from './inbound.js';
import { closedError, type Loss, lostError } from './loss.js';
import {
  type ClientOptions,
  type ClientState,
  CLOSE_TIMEOUT_MS,
  DEFAULT_BACKOFF,
  DEFAULT_OUTBOX,
  HELLO_TIMEOUT_MS,
  HTTP_TIMEOUT_MS,
  newId,
  PROBE_TIMEOUT_MS,
  STABLE_AFTER_MS,
  type StatusEvent,
  type Surroundings,
  surroundingsOf,
} from './options.js';
import { laneOf, Outbox, type Receipt } from './outbox.js';
import type { Position } from './receiver.js';
import {
  type NewMember,
  type NewSession,
  type Session,
  SessionCalls,
  type SessionList,
  type SessionMember,
} from './sessions.js';

/**
 * One node's connection to Allspark, kept up until `close()` or until the server says not to come back: what is sent
 * is sent again until there is a receipt, what arrives is handed over once and in order.
 */
export class AllsparkClient {
  readonly #options: ClientOptions;
  readonly #around: Surroundings;
  readonly #keys: KeyRing;
  readonly #http: HttpApi;
  readonly #sessions: SessionCalls;
  readonly #outbox: Outbox;
  readonly #inbound: Inbound;
  readonly #backoff: Backoff;
  readonly #ready = deferred<Hello>();
  #state: ClientState = 'idle';
  #current: Connection | undefined;
  /** Opened and not yet greeted: the first, the next after a loss, or the one to move to while `#current` still works. */
  #dialing: Connection | undefined;
  #retry: unknown;
  #renewal: unknown;
  #openedAt = 0;
  #closing: Promise<void> = Promise.resolve();

  /** Throws AllsparkError `no_websocket` where there is none. Does nothing yet: see `connect`. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#around = surroundingsOf(options);
    const { timers, fetch, random } = this.#around;
    this.#keys = new KeyRing(options.authKey, timers);
    const urls = [options.url].flat();
    this.#http = new HttpApi({ urls, keys: this.#keys, fetch, timers, timeoutMs: HTTP_TIMEOUT_MS });
    this.#sessions = new SessionCalls(this.#http);
    this.#outbox = new Outbox({ ...DEFAULT_OUTBOX, ...options.outbox }, timers);
    this.#backoff = new Backoff({ ...DEFAULT_BACKOFF, ...options.backoff, random });
    const history = this.#historyCalls();
    this.#inbound = new Inbound(
      { options, timers, random, outbox: this.#outbox, history },
      {
        onStatus: (event) => this.#tell(event),
        onError: (error) => this.#report(error),
        guard: (run) => this.#guard(run),
        onMove: (target) => this.#moveTo(target),
      },
    );
    // Whoever does not await connect() learns of its failure by onStatus.
    this.#ready.promise.catch(() => undefined);
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Up to where messages were processed. Persist it, and give it as `resumeFrom` after a restart. */
  get position(): Position | undefined {
    return this.#inbound.position;
  }

  /** Messages that wait for their receipts. */
  get unconfirmed(): number {
    return this.#outbox.size;
  }

  /** Opens the connection and keeps it open. Resolves at the first hello; rejects when the client closes before. */
  connect(): Promise<Hello> {
    if (this.#state === 'idle') {
      this.#state = 'connecting';
      void this.#open();
    }
    return this.#ready.promise;
  }

  /**
   * Resolves when the message is durably committed (a transient one: when it is written to the socket), however many
   * connections that takes. Rejects with AllsparkError when it is refused for good, or when the client closes.
   * A message may be given before the connection is open; a transient one not while it is lost (`not_connected`).
   */
  async send(message: OutgoingMessage): Promise<Receipt> {
    const id = message.id ?? newId();
    const transient = message.transient === true;
    if (this.#state === 'closed') throw closedError(id);
    if (transient && this.#state === 'reconnecting') throw lostError(id);
    return this.#outbox.add({ id, lane: laneOf(message), text: encodeMessage(message, id), transient });
  }

  /** Hands the message whose handler threw to the handler again, then those behind it. */
  retry(): void {
    this.#inbound.receiver.retry();
  }

  /** Reads this node's inbox by HTTP; acknowledges nothing. */
  readInbox(range: InboxRange = {}): Promise<InboxPage> {
    return this.#http.readInbox(range);
  }

  /** Acknowledges by HTTP, for clients without a connection. Answers the node's acknowledged seq. */
  ackInbox(seq: number, epoch?: string): Promise<number> {
    return this.#http.ackInbox(seq, epoch);
  }

  /** Makes a session; whoever creates it is its owner and, unless a trusted backend, its first member. */
  createSession(asked: NewSession = {}): Promise<Session> {
    return this.#sessions.create(asked);
  }

  /** Takes a seat for this node, or as owner or trusted backend for another. A second join answers the same. */
  joinSession(sessionId: string, member: Partial<NewMember> = {}): Promise<SessionMember> {
    return this.#sessions.join(sessionId, member);
  }

  /** Gives up this node's seat, or as owner or trusted backend that of another. */
  unjoinSession(sessionId: string, whom: { nodeId?: string; alias?: string } = {}): Promise<void> {
    return this.#sessions.unjoin(sessionId, whom);
  }

  /** Shows the others who this anonymous member is. */
  revealInSession(sessionId: string): Promise<SessionMember> {
    return this.#sessions.reveal(sessionId);
  }

  endSession(sessionId: string): Promise<void> {
    return this.#sessions.end(sessionId);
  }

  /** The session as this node may see it, with one page of its members. */
  session(sessionId: string, membersCursor?: string): Promise<Session> {
    return this.#sessions.session(sessionId, membersCursor);
  }

  /** Those that this node is a member of. */
  sessions(range: { cursor?: string; limit?: number } = {}): Promise<SessionList> {
    return this.#sessions.list(range);
  }

  /** What a session has, one's own messages and events included; takes nothing out of the inbox. */
  sessionMessages(sessionId: string, range: HistoryRange = {}): Promise<HistoryPage> {
    return this.#sessions.messages({ destSessionId: sessionId }, range);
  }

  /** What all nodes of a client were sent, for one of them. */
  clientMessages(clientId: string, range: HistoryRange = {}): Promise<HistoryPage> {
    return this.#sessions.messages({ destClientId: clientId }, range);
  }

  /** Acknowledges what was processed and closes for good. Sends without a receipt reject with `closed`. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const connection = this.#current ?? this.#dialing;
    if (this.#current !== undefined) this.#giveUpDialing();
    this.#finish({ code: 1000, reason: 'closed by the application' }, async () => {
      // A handler that itself awaits close() must not wait for itself for ever.
      await this.#atMost(this.#inbound.stop());
      this.#inbound.receiver.flushAck();
      connection?.close(1000, '');
    });
    await this.#closing;
    if (connection !== undefined) await this.#atMost(connection.gone);
  }

  #historyCalls(): HistoryCalls {
    return {
      messages: (group, range) => this.#sessions.messages(group, range),
      ownNames: (group) => this.#ownNames(group),
      ack: (seq) => this.#http.ackInbox(seq, this.position?.epoch),
    };
  }

  async #ownNames({ destSessionId }: Destination): Promise<string[]> {
    const { nodeId } = await this.#ready.promise;
    const you = destSessionId === undefined ? null : (await this.#sessions.session(destSessionId)).you;
    return you?.alias === undefined ? [nodeId] : [nodeId, you.alias];
  }

  async #open(): Promise<void> {
    this.#tell({ status: 'connecting' });
    try {
      const target = await this.#http.preConnect();
      if (this.#isClosed()) return;
      this.#dial(target);
    } catch (error) {
      if (this.#isClosed()) return;
      if (error instanceof AllsparkError && !error.retryable) this.#finish({ error });
      else this.#comeBack({ error });
    }
  }

  #dial(target: Target): void {
    const asked = this.#inbound.receiver.accepted;
    const { WebSocket, timers } = this.#around;
    const limits = { helloTimeoutMs: HELLO_TIMEOUT_MS, probeTimeoutMs: PROBE_TIMEOUT_MS };
    this.#dialing = new Connection(
      socketUrl(target, asked),
      asked,
      { WebSocket, timers, ...limits },
      {
        onHello: (connection, hello) => this.#onHello(connection, hello),
        onFrame: (_, frame) => this.#inbound.take(frame),
        onClosed: (connection, code, reason) => this.#onClosed(connection, { code, reason }),
      },
    );
  }

  #moveTo(target: Target): void {
    if (this.#dialing !== undefined || this.#current === undefined) return;
    this.#inbound.expectMove(this.#current);
    try {
      this.#dial(target);
    } catch (error) {
      this.#report(error);
      this.#moveLater({ error });
    }
  }

  /** The present connection works as long as it lasts; another place than the one that was not to be had may be found. */
  #moveLater(loss: Loss): void {
    this.#inbound.stays();
    this.#after(loss, () => void this.#moveAnew());
  }

  async #moveAnew(): Promise<void> {
    const from = this.#current;
    try {
      const target = await this.#http.preConnect();
      if (this.#current === from) this.#moveTo(target);
    } catch (error) {
      if (this.#current !== from || this.#isClosed()) return;
      if (error instanceof AllsparkError && !error.retryable) this.#report(error);
      else this.#moveLater({ error });
    }
  }

  #giveUpDialing(): void {
    this.#dialing?.close(1000, '');
    this.#dialing = undefined;
  }

  /** A connection ends with its key: with a new one another is opened before, and then the old one closed. */
  #planRenewal(): void {
    const { timers } = this.#around;
    timers.clearTimeout(this.#renewal);
    const delayMs = this.#keys.renewInMs();
    if (delayMs !== undefined) this.#renewal = timers.setTimeout(() => void this.#renew(), delayMs);
  }

  async #renew(): Promise<void> {
    try {
      this.#keys.forget();
      const target = await this.#http.preConnect();
      if (!this.#isClosed()) this.#moveTo(target);
    } catch (error) {
      // The present connection lives until 4002, and coming back asks for a key again.
      if (!this.#isClosed()) this.#report(error);
    }
  }

  #onHello(connection: Connection, hello: Hello): void {
    if (this.#isClosed()) return connection.close(1000, '');
    const old = this.#current;
    this.#dialing = undefined;
    this.#current = connection;
    this.#openedAt = this.#around.timers.now();
    this.#state = 'open';
    this.#around.timers.clearTimeout(this.#retry);
    this.#inbound.begin(connection, hello);
    this.#planRenewal();
    if (old !== undefined) this.#tell({ status: 'moved', hello });
    else this.#tell(hello.resumed ? { status: 'resumed', hello } : { status: 'open', hello });
    this.#outbox.open((text) => connection.send(text), hello.maxFrameBytes);
    old?.close(1000, 'moved');
    this.#ready.resolve(hello);
  }

  #onClosed(connection: Connection, loss: { code: number; reason: string }): void {
    if (connection === this.#dialing) this.#dialing = undefined;
    else if (connection === this.#current) this.#lose();
    else return;
    if (this.#isClosed()) return;
    if (this.#current !== undefined) return this.#moveLater(loss);
    if (this.#dialing !== undefined && comesBack(loss.code)) return;
    this.#giveUpDialing();
    if (loss.code === KEY_EXPIRED) this.#keys.forget();
    if (comesBack(loss.code)) this.#comeBack(loss);
    else this.#finish(loss);
  }

  #lose(): void {
    this.#current = undefined;
    this.#around.timers.clearTimeout(this.#renewal);
    if (!this.#isClosed()) this.#state = 'reconnecting';
    this.#inbound.end();
    this.#outbox.lost(lostError());
    const livedMs = this.#around.timers.now() - this.#openedAt;
    if (livedMs >= STABLE_AFTER_MS) this.#backoff.reset();
  }

  #comeBack(loss: Loss): void {
    this.#state = 'reconnecting';
    const delayMs = this.#after(loss, () => void this.#open());
    this.#tell({ status: 'reconnecting', delayMs, ...loss });
  }

  /** Calls when it is time to try again, in place of what was planned before; the wait in ms. */
  #after({ error, reason }: Loss, call: () => void): number {
    const { timers } = this.#around;
    const told = error instanceof AllsparkError ? error.retryAfterMs : retryAfterOfReason(reason ?? '');
    const delayMs = this.#backoff.next(told);
    timers.clearTimeout(this.#retry);
    this.#retry = timers.setTimeout(call, delayMs);
    return delayMs;
  }

  #finish(loss: Loss, leave?: () => Promise<void>): void {
    this.#state = 'closed';
    this.#around.timers.clearTimeout(this.#retry);
    this.#around.timers.clearTimeout(this.#renewal);
    this.#http.abort();
    if (leave === undefined) void this.#inbound.stop();
    this.#closing = leave?.() ?? Promise.resolve();
    const error = loss.error instanceof AllsparkError ? loss.error : closedError(undefined, loss);
    this.#outbox.failAll(error);
    this.#ready.reject(error);
    this.#tell({ status: 'closed', ...loss });
  }

  async #atMost(wait: Promise<void>): Promise<void> {
    const { timers } = this.#around;
    const limit = deferred<void>();
    const timer = timers.setTimeout(() => limit.resolve(), CLOSE_TIMEOUT_MS);
    await Promise.race([wait, limit.promise]);
    timers.clearTimeout(timer);
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #tell(event: StatusEvent): void {
    this.#guard(() => this.#options.onStatus?.(event));
  }

  #report(error: unknown): void {
    if (this.#options.onError === undefined) console.error(error);
    else this.#options.onError(error);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#report(error);
    }
  }
}
