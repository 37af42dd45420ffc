import type { IncomingMessage } from 'node:http';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { Lifecycle } from '../../common/lifecycle.js';
import { CLOSE } from '../../protocol/index.js';
import { ConnectionOpening } from './connection-opening.js';
import { Frames } from './frames.js';
import { ANY_FRAME, NATIVE_PATH } from './gateway-options.js';
import type { InboundFrame } from './inbound-queue.js';
import type { Admitted, NativeSocket } from './native-connection.js';
import { NativeConnections } from './native-connections.js';

/** The native dialect's way in. */
@WebSocketGateway({ path: NATIVE_PATH, admission: 'key' })
export class NativeGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(
    private readonly connections: NativeConnections,
    private readonly opening: ConnectionOpening,
    private readonly frames: Frames,
    private readonly lifecycle: Lifecycle,
  ) {}

  handleConnection(socket: NativeSocket, _request: IncomingMessage, admitted: Admitted): void {
    const connection = this.connections.add(socket, admitted);
    // It was on its way in when everybody was sent away.
    if (this.lifecycle.phase === 'draining') connection.close(CLOSE.restart);
    void this.opening.open(connection);
  }

  handleDisconnect(socket: NativeSocket, code?: unknown): void {
    if (!socket.connection) return;
    this.connections.remove(socket.connection, Number(code));
    void this.opening.ended(socket.connection);
  }

  @SubscribeMessage(ANY_FRAME)
  frame(@ConnectedSocket() { connection }: NativeSocket, @MessageBody() frame: InboundFrame): void | Promise<void> {
    if (connection) return this.frames.handle(connection, frame);
  }
}
