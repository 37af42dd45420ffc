import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from './random.js';
import { TcpProxy } from './tcp-proxy.js';

let echo: Server;
let proxy: TcpProxy;
const accepted: Socket[] = [];
let client: Socket;

beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket.on('error', () => undefined));
    socket.on('data', (bytes) => socket.write(bytes));
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await TcpProxy.start((echo.address() as AddressInfo).port, new Random(1));
  client = await dial();
});

afterEach(async () => {
  client.destroy();
  await proxy.close();
  for (const socket of accepted.splice(0)) socket.destroy();
  await new Promise((resolve) => void echo.close(resolve));
});

/** Unlike the one of node.js it does not mind an error before. */
function once(from: Socket | Server, event: string): Promise<unknown[]> {
  return new Promise((resolve) => void from.once(event, (...values: unknown[]) => resolve(values)));
}

async function dial(): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Reads so many bytes. */
async function read(socket: Socket, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) text += String((await once(socket, 'data'))[0]);
  return text;
}

describe('the proxy', () => {
  it('lets through what is said, both ways', async () => {
    client.write('hello');
    expect(await read(client, 5)).toBe('hello');
    expect(proxy.size).toBe(1);
  });

  it('holds back what the client says in a black hole, and lets it go when it heals', async () => {
    proxy.blackHole(['up']);
    client.write('held');
    // Another way in shows that time has passed, and nothing came.
    proxy.heal();
    expect(await read(client, 4)).toBe('held');
  });

  it('tells nobody of an end in a black hole', async () => {
    client.write('a');
    await read(client, 1);
    proxy.blackHole();
    const server = accepted[0] as Socket;
    const ended = once(server, 'end').then(() => 'ended');
    client.destroy();
    await once(client, 'close');
    expect(server.readableEnded).toBe(false);
    proxy.heal();
    expect(await ended).toBe('ended');
  });

  it('resets both ends', async () => {
    client.write('a');
    await read(client, 1);
    const ends = [once(client, 'close'), once(accepted[0] as Socket, 'close')];
    proxy.reset();
    await Promise.all(ends);
    expect(proxy.size).toBe(0);
  });

  it('delays, and slows down', async () => {
    proxy.delay(40);
    const began = performance.now();
    client.write('x');
    await read(client, 1);
    expect(performance.now() - began).toBeGreaterThanOrEqual(78);
    proxy.heal();
    proxy.throttle(10_000);
    const slow = performance.now();
    client.write('y'.repeat(500));
    await read(client, 500);
    expect(performance.now() - slow).toBeGreaterThanOrEqual(98);
  });

  it('ends one way and leaves the other open', async () => {
    client.write('a');
    await read(client, 1);
    const ended = once(client, 'end');
    proxy.halfClose('down');
    await ended;
    const heard = once(accepted[0] as Socket, 'data');
    client.write('still');
    expect(String((await heard)[0])).toBe('still');
  });

  it('stops a link after so many bytes, and resets it when it heals', async () => {
    proxy.pauseAfter(3, 'up');
    client.write('abcdef');
    expect(await read(client, 3)).toBe('abc');
    const closed = once(client, 'close');
    proxy.heal();
    await closed;
  });

  it('resets a link behind so many bytes of both ways, once', async () => {
    client.write('a');
    await read(client, 1);
    // Bytes with a reset behind them may look like an end to who reads them.
    const ended = Promise.race([once(client, 'end'), once(client, 'close')]);
    const cut = proxy.resetAfter(5);
    client.write('bcd');
    await Promise.all([cut, ended, once(accepted[0] as Socket, 'close')]);
    expect(client.bytesRead).toBeLessThan('abcd'.length);
    const again = await dial();
    again.write('efghijkl');
    expect(await read(again, 8)).toBe('efghijkl');
    again.destroy();
  });

  it('swallows a reply: the server has heard, the client sees a reset', async () => {
    proxy.swallowReply();
    const closed = once(client, 'close');
    client.write('commit');
    await closed;
    expect(accepted).toHaveLength(1);
    expect(client.bytesRead).toBe(0);
  });

  it('refuses new links until it heals', async () => {
    proxy.refuse(true);
    const refused = connect({ port: proxy.port, host: '127.0.0.1' });
    refused.on('error', () => undefined);
    await once(refused, 'close');
    proxy.heal();
    const again = await dial();
    again.write('b');
    expect(await read(again, 1)).toBe('b');
    again.destroy();
  });
});
