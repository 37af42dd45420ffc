import { afterEach, expect, it } from 'vitest';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
afterEach(() => server.stop());

it.each(['0', '200'])(
  'a sender above the rate is slowed down or refused for now, and gets every message through in order (pause %s ms)',
  async (pause) => {
    const rate = { RATE_PER_SECOND: '200', RATE_BURST: '50', RATE_PAUSE_MS: pause };
    server = await TestServer.start(rate);
    const received: unknown[] = [];
    let finished: (() => void) | undefined;
    const everything = new Promise<void>((resolve) => (finished = resolve));
    const bob = server.client('bob', {
      role: 'app',
      onMessage: ({ payload }) => (received.push(payload) === 250 ? finished?.() : undefined),
    });
    await bob.connect();
    const alice = server.client('alice');
    await alice.connect();
    const numbers = Array.from({ length: 250 }, (_, index) => index);
    const receipts = await Promise.all(numbers.map((payload) => alice.send({ destId: 'bob', payload })));
    expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['stored']));
    await everything;
    expect(received).toEqual(numbers);
  },
);
