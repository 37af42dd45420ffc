import { AllsparkClient } from '@allspark/client';
import { startTestServer } from 'allspark/testing';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';

it('a message is stored by a server that lives as long as this test', async () => {
  const server = await startTestServer({ settings: { ALLOW_UNKNOWN_DESTINATIONS: 'on' } });
  const alice = new AllsparkClient({ url: server.url, authKey: () => server.mint('alice'), WebSocket });
  await alice.connect();
  expect(await alice.send({ destId: 'bob', payload: 1 })).toMatchObject({ status: 'stored' });
  await alice.close();
  await server.close();
});
