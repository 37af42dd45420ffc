import { afterEach, describe, expect, it } from 'vitest';
import { collectAcknowledged } from '../support/collect.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let here: TestServer;
let there: TestServer;

/** Two on one store, of which the second learns of what the first does by its poll only. */
async function startBoth(pollMs: number): Promise<void> {
  const settings = { POLL_INTERVAL_MS: String(pollMs), POLL_JITTER_MS: '10', WINDOW_MESSAGES: '2' };
  here = await TestServer.start(settings);
  there = await TestServer.start({ ...settings, DATA_DIR: here.dataDir });
}

afterEach(async () => {
  Talker.hangUp();
  await there.stop();
  await here.stop();
});

const batch = (nodeId: string, count: number): object => ({
  messages: Array.from({ length: count }, (_, index) => ({ dest_id: nodeId, payload: index + 1 })),
});

describe('a reader whose next message can no longer be read', () => {
  it('is closed with 4005, and its resume is told that it is not enough', async () => {
    await startBoth(600_000);
    await here.json('bob', '/v1/inbox');
    await here.json('alice', '/v1/messages', batch('bob', 6));
    const bob = await Talker.open(there, 'bob');
    await bob.nextEntries(2);
    await here.json('bob', '/v1/inbox/ack', { seq: 5 });
    await collectAcknowledged(here, 'bob');
    bob.ack(2);
    expect(await bob.ended).toEqual({ code: 4005, reason: expect.stringMatching(/^retry_after_ms=\d+$/) as unknown });

    const query = `?epoch=${String(bob.hello['epoch'])}&last_seq=2`;
    const back = await Talker.open(there, 'bob', { query });
    expect(back.hello).toMatchObject({ resumed: false, reason: 'insufficient_state', floor_seq: 6, acked_seq: 5 });
    expect(await back.nextEntries(1)).toMatchObject([{ seq: 6, payload: 6 }]);
  });
});

it('what another process’s connection acknowledged opens the window here, after a poll', async () => {
  await startBoth(100);
  const [mine, theirs] = await Promise.all([Talker.open(here, 'carol'), Talker.open(there, 'carol')]);
  await here.json('alice', '/v1/messages', batch('carol', 4));
  await Promise.all([mine.nextEntries(2), theirs.nextEntries(2)]);
  mine.ack(2);
  expect(await nextSeqs(mine)).toEqual([3, 4]);
  expect(await nextSeqs(theirs)).toEqual([3, 4]);
});

async function nextSeqs(talker: Talker): Promise<unknown[]> {
  return (await talker.nextEntries(2)).map(({ seq }: Frame) => seq);
}
