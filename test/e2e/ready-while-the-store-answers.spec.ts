import { afterEach, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { holdStore } from '../support/store-lock.js';
import { Talker } from '../support/talker.js';

let server: ProcessNode;
let release: () => Promise<void> = async () => {};

afterEach(async () => {
  Talker.hangUp();
  await release();
  await server.remove();
});

it('readiness goes while a write waits for the store, and comes back with it', { timeout: 30_000 }, async () => {
  server = await ProcessNode.start({ STORE_DEADLINE_MS: '20000' });
  const readiness = async (): Promise<number> => (await fetch(`${server.url}/readyz`)).status;
  const alice = await Talker.open(server, 'alice');
  expect(await readiness()).toBe(200);
  release = await holdStore(server.dataDir);
  const receipt = alice.ask({ dest_id: 'alice', payload: 1 });
  while ((await readiness()) === 200);
  const { reasons } = (await (await fetch(`${server.url}/readyz`)).json()) as { reasons: string[] };
  expect(reasons).toEqual([expect.stringMatching(/^store: a write has been waiting for \d+ s$/)]);
  await release();
  expect(await receipt).toMatchObject({ status: 'stored' });
  while ((await readiness()) !== 200);
});
