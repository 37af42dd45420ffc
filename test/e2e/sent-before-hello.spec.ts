import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { clientFrame, closeFrame, RawSocket } from '../support/raw-socket.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SENDERS = 20;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

function message(destination: string, id: string): string {
  return JSON.stringify({ dest_id: destination, id });
}

/** Opens, sends and closes without waiting for anything but the close of the other side. */
async function sendAndGo(nodeId: string, texts: readonly string[]): Promise<number> {
  const bytes = Buffer.concat([...texts.map((text) => clientFrame(text)), closeFrame(1000)]);
  const headers = { authorization: `Bearer ${await server.key(nodeId)}` };
  const { socket, response } = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', headers, bytes);
  expect(response.status).toBe(101);
  const { code } = await socket.closed();
  socket.destroy();
  return code;
}

it('what was sent before an orderly close arrives, also when the close came before the hello', async () => {
  const bob = await Talker.open(server, 'bob');
  for (let count = 0; count < SENDERS; count += 1) {
    expect(await sendAndGo(`sender-${count}`, [message('bob', `${count}-1`), message('bob', `${count}-2`)])).toBe(1000);
    const arrived = await bob.nextEntries(2);
    expect(arrived.map(({ id }) => id)).toEqual([`${count}-1`, `${count}-2`]);
  }
});

it('more than is read of one connection at once arrives too', async () => {
  const carol = await Talker.open(server, 'carol');
  const ids = Array.from({ length: 200 }, (_, index) => `m${index}`);
  await sendAndGo(
    'many',
    ids.map((id) => message('carol', id)),
  );
  expect((await carol.nextEntries(200)).map(({ id }) => id)).toEqual(ids);
});
