import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawSocket } from '../../../test/support/raw-socket.js';
import { keyOf, NativeApp, type NativeAppOptions, type Who } from './testing/native-app.js';

let server: NativeApp;
const sockets: RawSocket[] = [];

async function start(options: NativeAppOptions = {}): Promise<void> {
  server = await NativeApp.start(options);
}

async function connect(who: Who, query = ''): Promise<RawSocket> {
  const headers = { authorization: `Bearer ${await keyOf(who)}` };
  const { socket, response } = await RawSocket.upgrade(server.port, `/connect${query}`, headers);
  expect(response.status).toBe(101);
  sockets.push(socket);
  return socket;
}

/** Connects and reads hello. */
async function join(who: Who, query = ''): Promise<{ socket: RawSocket; hello: Record<string, unknown> }> {
  const socket = await connect(who, query);
  return { socket, hello: await socket.nextJson() };
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

describe('a node that connects', () => {
  beforeEach(() => start());

  it('is greeted first, with what it needs to know', async () => {
    const { hello } = await join({ sub: 'a', clientId: 'c' });
    expect(hello).toMatchObject({
      type: -110,
      node_id: 'a',
      client_id: 'c',
      resumed: false,
      floor_seq: 1,
      tail_seq: 0,
      acked_seq: 0,
      max_frame_bytes: 65_536,
      window: 256,
      window_bytes: 524_288,
      ping_interval_ms: 25_000,
    });
    expect(hello).not.toHaveProperty('reason');
  });

  it('gets what waited for it, and its sender a receipt', async () => {
    const { socket: a } = await join({ sub: 'a' });
    await a.text('{"dest_id":"b","id":"m1","payload":{"x":1e400,"x":2}}');
    expect(await a.nextJson()).toMatchObject({ type: -112, id: 'm1', status: 'stored' });
    expect(await a.nextJson()).toEqual({ type: -4, src_id: 'b', id: 'm1' });
    const { socket: b, hello } = await join({ sub: 'b' });
    expect(hello).toMatchObject({ tail_seq: 1 });
    const frame = await b.frame();
    expect(frame?.payload.toString()).toContain('"payload":{"x":1e400,"x":2}}');
  });
});
