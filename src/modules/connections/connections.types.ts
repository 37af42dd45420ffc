import type { CloseCode } from '../../protocol/index.js';

/** One live websocket of a node, as the modules see it: something that takes frames. */
export interface LiveConnection {
  readonly connectionId: string;
  readonly nodeId: string;
  readonly clientId: string | null;
  /** Queues one frame text; all that a turn of the event loop queues leaves in one write. Never throws, never blocks. */
  send(frame: string): void;
  /** Flushes what is queued, then closes. Repeating it does nothing. */
  close(code: CloseCode): void;
}
