import { expect } from 'vitest';
import type { AllsparkClient, ClientOptions } from '@allspark/client';

interface Home {
  client(nodeId: string, options?: Partial<ClientOptions>): AllsparkClient;
}

/** What is sent to bob while he is away waits, whatever happens meanwhile, and arrives on his return: once and in order. */
export async function expectWaitsForBob(server: Home, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  const bob = server.client('bob');
  await bob.connect();
  await bob.close();
  const alice = server.client('alice');
  await alice.connect();
  const receipts = await Promise.all([1, 2, 3].map((n) => alice.send({ destId: 'bob', payload: n })));
  expect(receipts.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored']);
  await alice.close();

  await meanwhile();

  const received: unknown[] = [];
  await new Promise<void>((resolve) => {
    const again = server.client('bob', {
      onMessage: ({ payload, seq, srcId }) => {
        if (received.push([seq, srcId, payload]) === 3) resolve();
      },
    });
    void again.connect();
  });
  expect(received).toEqual([
    [1, 'alice', 1],
    [2, 'alice', 2],
    [3, 'alice', 3],
  ]);
}
