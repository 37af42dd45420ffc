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

it('a SIGTERM ends a process whose write waits for the lock of another process', { timeout: 30_000 }, async () => {
  server = await ProcessNode.start({ STORE_DEADLINE_MS: '1000' });
  const alice = await Talker.open(server, 'alice');
  release = await holdStore(server.dataDir);
  expect(await alice.ask({ dest_id: 'alice', payload: 1 })).toMatchObject({ code: 'retry_later' });
  const began = Date.now();
  expect(await server.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(server.stderr.join('\n')).toContain('a write still waits');
});
