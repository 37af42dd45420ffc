import type { IssuedKey } from '../auth/index.js';
import type { CloseCode } from '../../protocol/index.js';

/** One live websocket of a node, as the modules see it: something that takes frames. */
export interface LiveConnection extends IssuedKey {
  readonly connectionId: string;
  /** Queues one frame text; all that a turn of the event loop queues leaves in one write. Never throws, never blocks. */
  send(frame: string): void;
  /** Flushes what is queued, then closes, with a reason where the code leaves room for one. Repeating it does nothing. */
  close(code: CloseCode, reason?: string): void;
}
