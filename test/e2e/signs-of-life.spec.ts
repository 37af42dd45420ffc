import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { OPCODE, RawSocket, clientFrame } from '../support/raw-socket.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({
    PING_INTERVAL_MS: '60',
    PING_JITTER_PERCENT: '0',
    PONG_TIMEOUT_MS: '120',
    // The peers live in this process: when it stands still they cannot answer either.
    PONG_LAG_MS: '60',
  });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function silentPeer(nodeId: string): Promise<RawSocket> {
  const { port } = new URL(server.url);
  const headers = { authorization: `Bearer ${await server.key(nodeId)}` };
  const { socket, response } = await RawSocket.upgrade(Number(port), '/connect', headers);
  expect(response.status).toBe(101);
  return socket;
}

it('the hello tells how often the server pings, and a peer that answers stays', async () => {
  const bob = await Talker.open(server, 'bob');
  expect(bob.hello).toMatchObject({ ping_interval_ms: 60 });
  const ping = (): Promise<void> => new Promise((resolve) => bob.socket.once('ping', () => resolve()));
  for (let turn = 0; turn < 5; turn += 1) await ping();
  await bob.fence();
});

it('a peer that answers nothing is closed with 4001, and comes back by itself', async () => {
  const silent = await silentPeer('carol');
  expect(await silent.closed()).toEqual({
    code: 4001,
    reason: expect.stringMatching(/^retry_after_ms=\d+$/) as unknown,
  });
  await silent.ended();
});

it('whatever a peer sends is a sign of life: {} is one, and asks for no answer', async () => {
  const peer = await silentPeer('dave');
  await peer.nextJson();
  let pings = 0;
  while (pings < 8) {
    const frame = await peer.frame();
    expect(frame?.opcode).toBe(OPCODE.ping);
    pings += 1;
    await peer.text('{}');
  }
  peer.destroy();
});

it('the server answers a websocket ping with its bytes', async () => {
  const peer = await silentPeer('erin');
  await peer.write(clientFrame('are you there', { opcode: OPCODE.ping }));
  for (;;) {
    const frame = await peer.frame();
    if (frame?.opcode !== OPCODE.pong) continue;
    expect(frame.payload.toString()).toBe('are you there');
    break;
  }
  peer.destroy();
});

it('-120 is answered by -121, with the id if there was one', async () => {
  const frank = await Talker.open(server, 'frank');
  frank.send({ type: -120 });
  expect(await frank.next()).toEqual({ type: -121 });
  frank.send({ type: -120, id: 'q1' });
  expect(await frank.next()).toEqual({ type: -121, id: 'q1' });
  frank.sendText('{}');
  frank.sendText(' { } ');
  frank.send({ type: -120, id: 'q2' });
  expect(await frank.next()).toEqual({ type: -121, id: 'q2' });
});

it('any other frame without a destination is refused', async () => {
  const grace = await Talker.open(server, 'grace');
  for (const frame of [{ payload: 1 }, { type: 0 }, { id: 'x' }]) {
    grace.send(frame);
    expect(await grace.next()).toMatchObject({ type: -113, code: 'bad_destination' });
  }
});
