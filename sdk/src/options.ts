import type { SocketConstructor } from './connection.js';
import { AllsparkError } from './errors.js';
import type { LostEntries } from './catch-up.js';
import type { Gap, Gone, Hello, Message, SessionEvent } from './frames.js';
import type { AuthKey, FetchLike } from './http.js';
import type { OutboxSettings } from './outbox.js';
import type { Position, ReceiverSettings } from './receiver.js';
import { systemTimers, type Timers } from './timers.js';

export type ClientState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';

export type StatusEvent =
  | { status: 'connecting' }
  /** A connection that did not resume: the first one, or after `insufficient_state`. */
  | { status: 'open'; hello: Hello }
  | { status: 'resumed'; hello: Hello }
  /**
   * The server cannot resume from where this client stood. It reads on from what can still be read: after a changed
   * epoch the handler may see messages again (compare `id`); `lost` names seqs that nobody can read any more.
   */
  | { status: 'insufficient_state'; epochChanged: boolean; lost?: LostEntries }
  | { status: 'reconnecting'; delayMs: number; code?: number; reason?: string; error?: unknown }
  | { status: 'moved'; hello: Hello }
  | { status: 'closed'; code?: number; reason?: string; error?: unknown };

export interface ClientOptions {
  /** Base URL, http or https, of any server; or of several, of which another is asked when one does not answer. */
  url: string | string[];
  authKey: AuthKey;
  /** Called for one durable message at a time, which is acknowledged when this has ended well; transient ones at once. */
  onMessage?: (message: Message) => void | Promise<void>;
  /** Who joined, left, revealed itself, or that a session ended: in its place among the messages. */
  onSessionEvent?: (event: SessionEvent) => void | Promise<void>;
  /** Messages of a session or client did not fit into the inbox: they follow, read from history, before what came later. */
  onGap?: (gap: Gap) => void | Promise<void>;
  onGone?: (gone: Gone) => void | Promise<void>;
  onStatus?: (event: StatusEvent) => void;
  /** A handler that threw, a refusal that belongs to no pending `send`, a key that could not be fetched. */
  onError?: (error: unknown) => void;
  /** A receiving node has acknowledged a message sent with `report: ['delivered']`. */
  onDelivered?: (receipt: { id: string; destId?: string }) => void;
  /** The message is stored; nobody is connected at its destination now. */
  onOffline?: (notice: { id: string; destId: string }) => void;
  /** Where an earlier run of the application stood: `client.position` as it was persisted. */
  resumeFrom?: Position;
  /** Needed where there is no global one, as on Node 20: the class of the `ws` package fits. */
  WebSocket?: SocketConstructor;
  fetch?: FetchLike;
  /** A number in [0, 1), for the jitter. */
  random?: () => number;
  timers?: Timers;
  outbox?: Partial<OutboxSettings>;
  acks?: Partial<ReceiverSettings>;
  /** Ceiling of the first delay before coming back, and of all. Ms. */
  backoff?: { baseMs?: number; maxMs?: number };
}

export const DEFAULT_OUTBOX: OutboxSettings = { maxMessages: 10_000, maxBytes: 16 * 1024 * 1024, maxInFlight: 500 };
export const DEFAULT_ACKS: ReceiverSettings = { ackAfterMessages: 64, ackAfterBytes: 128 * 1024, ackAfterMs: 1000 };
export const DEFAULT_BACKOFF = { baseMs: 500, maxMs: 30_000 };
export const HTTP_TIMEOUT_MS = 15_000;
export const HELLO_TIMEOUT_MS = 10_000;
export const PROBE_TIMEOUT_MS = 10_000;
/** A connection that lived this long counts as a success: the next loss begins with short delays again. */
export const STABLE_AFTER_MS = 10_000;
/** How long `close()` waits for a running handler, and again for the other side's close frame. */
export const CLOSE_TIMEOUT_MS = 1000;

export interface Surroundings {
  WebSocket: SocketConstructor;
  fetch: FetchLike;
  random: () => number;
  timers: Timers;
}

/** What the platform provides and the options replace. Throws when there is no WebSocket. */
export function surroundingsOf(options: ClientOptions): Surroundings {
  const platform = globalThis as unknown as { WebSocket?: SocketConstructor };
  const WebSocket = options.WebSocket ?? platform.WebSocket;
  if (WebSocket === undefined) {
    throw new AllsparkError({
      code: 'no_websocket',
      reason: "there is no global WebSocket here; pass one: import { WebSocket } from 'ws' and give { WebSocket }",
    });
  }
  return {
    WebSocket,
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    random: options.random ?? Math.random,
    timers: options.timers ?? systemTimers,
  };
}

/** 128 random bits. */
export function newId(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
