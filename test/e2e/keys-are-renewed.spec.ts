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
  const confirmed: string[] = [];
  let answered = 0;
  const answering = async (): Promise<void> => {
    while (bob.state === 'open' && events.length < 4) {
      const { status } = await bob.send({ destId: 'alice', payload: (answered += 1) });
      confirmed.push(status);
    }
  };
  let sent = 0;
  const stream = async (): Promise<void> => {
    while (bob.state === 'open' && events.length < 4) {
      expect(await alice.ask({ dest_id: 'bob', payload: (sent += 1) })).toMatchObject({ status: 'stored' });
    }
  };
  await Promise.all([renewed, stream(), answering()]);
  await alice.ask({ dest_id: 'bob', payload: (sent += 1) });
  const last = sent;
  while (received.at(-1) !== last) await alice.fence();
  expect(received).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  // What had no receipt at a move was sent again: the server knows it, and it has its effect once.
  expect(confirmed.filter((status) => status !== 'stored' && status !== 'duplicate')).toEqual([]);
  expect(confirmed).toHaveLength(answered);
  const heard: unknown[] = [];
  while (heard.length < answered) {
    const [{ seq, payload }] = (await alice.nextEntries(1)) as [{ seq: number; payload: unknown }];
    heard.push(payload);
    if (seq % 50 === 0) alice.ack(seq);
  }
  expect(heard).toEqual(Array.from({ length: answered }, (_, index) => index + 1));
  const read = async (): Promise<string> => (await server.call('backend', '/metrics', { role: 'app' })).text();
  const bothClosed = /^allspark_closes_total\{code="1000"\} 2$/m;
  // The library does not wait until the server has seen its old connection go.
  let figures = await read();
  while (!bothClosed.test(figures)) figures = await read();
  expect(figures).not.toContain('code="4002"');
  expect(events.map(({ status }) => status)).toEqual(['connecting', 'open', 'moved', 'moved']);
});
