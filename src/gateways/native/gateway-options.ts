import type { ServerOptions } from 'ws';
import type { EdgeSocket } from './edge-socket.js';

/** The one path of the native dialect. */
export const NATIVE_PATH = '/connect';

/** A gateway that subscribes to this gets every text frame as it came, and answers itself. */
export const ANY_FRAME = '*';

/** What stands in `@WebSocketGateway({…})`; options of the websocket library pass through. */
export interface GatewayOptions extends Omit<
  ServerOptions<typeof EdgeSocket>,
  'path' | 'port' | 'server' | 'WebSocket'
> {
  readonly path?: string;
  /** `key`: only callers with a valid key get in. `open`, the default: the gateway asks for itself. */
  readonly admission?: 'key' | 'open';
}
