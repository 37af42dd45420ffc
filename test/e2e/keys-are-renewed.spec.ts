import { afterEach, expect, it } from 'vitest';
import type { StatusEvent } from '@allspark/client';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
afterEach(async () => {
  Talker.hangUp();
  await server.stop();
});

it('a client of the library outlives its key: it moves before the end, and nothing is lost, doubled or late', async () => {
  server = await TestServer.start({ CLOCK_LEEWAY_MS: '2000' });
  const events: StatusEvent[] = [];
  const received: unknown[] = [];
  let moved!: () => void;
  const renewed = new Promise<void>((resolve) => (moved = resolve));
  const bob = server.client('bob', {
    // The second renewal comes when the first key is over, leeway included.
    ttlSeconds: 3,
    onMessage: ({ payload }) => void received.push(payload),
    onStatus: (event) => {
      events.push(event);
      if (events.length === 4) moved();
    },
  });
  await bob.connect();
  const alice = await Talker.open(server, 'alice');
  let sent = 0;
  const stream = async (): Promise<void> => {
    while (bob.state === 'open' && events.length < 4) {
      expect(await alice.ask({ dest_id: 'bob', payload: (sent += 1) })).toMatchObject({ status: 'stored' });
    }
  };
  await Promise.all([renewed, stream()]);
  await alice.ask({ dest_id: 'bob', payload: (sent += 1) });
  const last = sent;
  while (received.at(-1) !== last) await alice.fence();
  expect(received).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  expect(events.map(({ status }) => status)).toEqual(['connecting', 'open', 'moved', 'moved']);
});
