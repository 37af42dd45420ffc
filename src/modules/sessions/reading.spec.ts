import { describe, expect, it } from 'vitest';
import { app, GroupServices, GroupStore, newSession, node } from '../../../test/support/group-services.js';
import type { Destination } from '../../protocol/index.js';
import type { HistoryPolicy } from './sessions.types.js';

const toAll: Destination = { kind: 'session', sessionId: 'party' };
const [ann, bob] = [node('ann'), node('bob')];

/** Numbers that a member reads which is taken out, with one more message behind that, while its page is made. */
async function readMeanwhile(history: HistoryPolicy): Promise<number[]> {
  const store = new GroupStore();
  const services = new GroupServices(store);
  const members = ['ann', 'bob'].map((nodeId) => ({ nodeId, anonymous: false }));
  await services.sessions.create(app(), newSession({ sessionId: 'party', history, members }));
  await services.send(ann, toAll);
  store.groupLog.step = async (label): Promise<void> => {
    if (label !== 'staysOf answer') return;
    await services.sessions.unjoin(bob, 'party');
    await services.send(ann, toAll, { payload: '"nothing for bob"' });
    await services.settle();
  };
  const { frames } = await services.inTime(services.sessions.messages(bob, 'party', {}, 1_000_000));
  return frames.map((frame) => (JSON.parse(frame) as { session_seq: number }).session_seq);
}

describe('a page of the log', () => {
  it.each(['joined', 'all'] as const)(
    'has nothing that came after its reader left, although that was while it was read (%s)',
    async (history) => {
      expect(await readMeanwhile(history)).toEqual([2]);
    },
  );
});
