import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RawSocket } from '../support/raw-socket.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let port: number;
let opened: RawSocket[] = [];
beforeAll(async () => {
  server = await TestServer.start({ HOST_ADDRESS: 'chat.example.com', LISTEN_ADDRESS: '127.0.0.1' });
  port = ((server.running.app.getHttpServer() as Server).address() as AddressInfo).port;
});
afterEach(() => {
  for (const socket of opened) socket.destroy();
  opened = [];
});
afterAll(() => server.stop());

/** `PORT` stands for the one that was taken. */
const at = (origin: string): string => origin.replace('PORT', String(port));

async function handshake(headers: Readonly<Record<string, string>>): Promise<{ status: number; body: string }> {
  const authorization = `Bearer ${await server.key('ann')}`;
  const { socket, response } = await RawSocket.upgrade(port, '/connect', { authorization, ...headers });
  opened.push(socket);
  return response;
}

async function corsOf(origin: string): Promise<string | null> {
  const answer = await fetch(`http://127.0.0.1:${port}/livez`, { headers: { origin } });
  await answer.text();
  return answer.headers.get('access-control-allow-origin');
}

describe('without a list of origins', () => {
  it.each(['http://chat.example.com:PORT', 'http://localhost:PORT'])('a page of %s may come', async (origin) => {
    expect(await corsOf(at(origin))).toBe(at(origin));
    expect((await handshake({ origin: at(origin) })).status).toBe(101);
  });

  it.each([
    'null',
    'http://chat.example.com',
    'http://chat.example.com:PORT0',
    'http://chat.example.com:PORT/',
    'https://chat.example.com:PORT',
    'http://CHAT.example.com:PORT',
    'HTTP://chat.example.com:PORT',
    'http://chat.example.com:PORT.evil.example',
    'http://evilchat.example.com:PORT',
    'http://sub.chat.example.com:PORT',
    'http://example.com:PORT',
    'http://chat.example.com:PORT, http://chat.example.com:PORT',
    'http://localhost',
    'http://localhost:1',
    'http://127.0.0.1:PORT',
    'chat.example.com:PORT',
  ])('a page of %s may not', async (origin) => {
    expect(await corsOf(at(origin))).toBeNull();
    const { status, body } = await handshake({ origin: at(origin) });
    expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([403, 'origin_refused']);
  });

  it('who is no browser has none, and may come', async () => {
    expect((await handshake({})).status).toBe(101);
  });
});
