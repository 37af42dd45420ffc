import { deferred } from './deferred.js';
import { ALIVE_PROBE, type Hello, parseFrame, type ServerFrame, type Target } from './frames.js';
import type { Position } from './receiver.js';
import type { Timers } from './timers.js';

/** The part of the browser's WebSocket that is used; the `ws` package's class fits too. */
export interface SocketLike {
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string) => SocketLike;

export interface ConnectionEvents {
  onHello(connection: Connection, hello: Hello): void;
  onFrame(connection: Connection, frame: ServerFrame): void;
  /** Once, unless the client itself closed. 1006 where there was no close frame. */
  onClosed(connection: Connection, code: number, reason: string): void;
}

export interface ConnectionSettings {
  WebSocket: SocketConstructor;
  timers: Timers;
  /** Ms from opening until hello. */
  helloTimeoutMs: number;
  /** Ms that an answer to -120 may take. */
  probeTimeoutMs: number;
}

const NO_CLOSE_FRAME = 1006;

/** One websocket from opening to close: hello first, then frames, and a probe when it has been silent for long. */
export class Connection {
  /** The place that was asked for when opening. */
  readonly asked: Position | undefined;
  /** Resolves when the socket has closed, whoever closed it. */
  readonly gone: Promise<void>;
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #socket: SocketLike;
  #watch: unknown;
  #lastHeard = 0;
  #silenceMs = 0;
  #greeted = false;
  #over = false;

  /** Throws what the socket's constructor throws, for a url that cannot be opened at all. */
  constructor(url: string, asked: Position | undefined, settings: ConnectionSettings, events: ConnectionEvents) {
    this.asked = asked;
    this.#settings = settings;
    this.#events = events;
    this.#socket = new settings.WebSocket(url);
    this.gone = this.#listen();
    this.#watch = settings.timers.setTimeout(() => this.drop('no hello'), settings.helloTimeoutMs);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Closes without an event. */
  close(code: number, reason: string): void {
    this.#end();
    this.#socket.close(code, reason);
  }

  /** Gives the connection up, as if it had broken. */
  drop(reason: string): void {
    if (this.#over) return;
    // A dead network may keep the close event back for minutes.
    this.close(1000, reason);
    this.#events.onClosed(this, NO_CLOSE_FRAME, reason);
  }

  #listen(): Promise<void> {
    const closed = deferred<void>();
    // Handlers by assignment: the one way that browsers, the ws package and small doubles all offer.
    Object.assign(this.#socket, {
      onmessage: (event: { data: unknown }) => {
        if (!this.#over && typeof event.data === 'string') this.#onText(event.data);
      },
      onclose: (event: { code: number; reason: string }) => {
        closed.resolve();
        if (this.#over) return;
        this.#end();
        this.#events.onClosed(this, event.code, event.reason);
      },
      // Without a listener the ws package throws; what went wrong is told by onclose.
      onerror: () => undefined,
    });
    return closed.promise;
  }

  #onText(text: string): void {
    this.#lastHeard = this.#settings.timers.now();
    const frame = parseFrame(text);
    if (this.#greeted) return this.#events.onFrame(this, frame);
    if (frame.kind !== 'hello') return this.drop('the first frame was no hello');
    this.#greeted = true;
    this.#silenceMs = frame.pingIntervalMs * 2;
    this.#watchSilence();
    this.#events.onHello(this, frame);
  }

  #watchSilence(): void {
    const { timers, probeTimeoutMs } = this.#settings;
    timers.clearTimeout(this.#watch);
    const silentMs = timers.now() - this.#lastHeard;
    if (silentMs < this.#silenceMs) {
      this.#watch = timers.setTimeout(() => this.#watchSilence(), this.#silenceMs - silentMs);
      return;
    }
    const probedAt = timers.now();
    this.send(ALIVE_PROBE);
    this.#watch = timers.setTimeout(() => {
      if (this.#lastHeard < probedAt) this.drop('no answer');
      else this.#watchSilence();
    }, probeTimeoutMs);
  }

  #end(): void {
    this.#over = true;
    this.#settings.timers.clearTimeout(this.#watch);
  }
}

/** Where to open a websocket, and from where to resume. */
export function socketUrl({ url, validationKey }: Target, asked: Position | undefined): string {
  const withKey = url.includes('validation_key=')
    ? url
    : `${url}${url.includes('?') ? '&' : '?'}validation_key=${encodeURIComponent(validationKey)}`;
  return asked === undefined
    ? withKey
    : `${withKey}&epoch=${encodeURIComponent(asked.epoch)}&last_seq=${asked.lastSeq}`;
}
