import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.stop());

it('a message for somebody who is away waits and arrives on return, once and in order', async () => {
  const bob = server.client('bob');
  await bob.connect();
  await bob.close();

  const alice = server.client('alice');
  await alice.connect();
  const receipts = await Promise.all([1, 2, 3].map((n) => alice.send({ destId: 'bob', payload: n })));
  expect(receipts.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored']);
  await alice.close();

  const received: unknown[] = [];
  await new Promise<void>((resolve) => {
    const again = server.client('bob', {
      onMessage: ({ payload, seq, srcId }) => {
        received.push([seq, srcId, payload]);
        if (received.length === 3) resolve();
      },
    });
    void again.connect();
  });
  expect(received).toEqual([
    [1, 'alice', 1],
    [2, 'alice', 2],
    [3, 'alice', 3],
  ]);
});
