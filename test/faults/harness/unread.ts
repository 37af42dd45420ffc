import type { Socket } from 'node:net';
import { RawSocket } from '../../support/raw-socket.js';
import type { ServerNode } from './server-node.js';

/** A websocket past the proxy that reads its hello and nothing more, neither frames nor pings. */
export async function dialUnread(server: ServerNode, nodeId: string): Promise<Socket> {
  const headers = { authorization: `Bearer ${server.key(nodeId)}` };
  const { socket } = await RawSocket.upgrade(server.directPort, '/connect', headers);
  await socket.nextJson();
  socket.pause();
  return socket.socket;
}
