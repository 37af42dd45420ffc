import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ WINDOW_MESSAGES: '4' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const seqs = (frames: readonly Frame[]): unknown[] => frames.map(({ seq }) => seq);
const open = (nodeId: string, count: number): Promise<Talker[]> =>
  Promise.all(Array.from({ length: count }, () => Talker.open(server, nodeId)));
const ackedOf = async (nodeId: string): Promise<unknown> =>
  ((await server.json(nodeId, '/v1/inbox')) as Frame)['acked_seq'];

describe('several connections of one node', () => {
  it('each read the whole inbox, in one order', async () => {
    const [first, second, third] = (await open('bob', 3)) as [Talker, Talker, Talker];
    const alice = await Talker.open(server, 'alice');
    for (const payload of ['a', 'b', 'c']) await alice.ask({ dest_id: 'bob', payload });
    for (const bob of [first, second, third]) {
      const entries = await bob.nextEntries(3);
      expect(entries.map(({ seq, payload }) => [seq, payload])).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ]);
    }
  });

  it('may each acknowledge, and the highest counts', async () => {
    const [first, second] = (await open('carol', 2)) as [Talker, Talker];
    const alice = await Talker.open(server, 'alice');
    for (const payload of [1, 2, 3]) await alice.ask({ dest_id: 'carol', payload });
    await Promise.all([first.nextEntries(3), second.nextEntries(3)]);
    first.ack(3);
    await first.fence();
    second.ack(1);
    await second.fence();
    await Promise.all([first.close(), second.close()]);
    const again = await Talker.open(server, 'carol');
    expect(again.hello).toMatchObject({ acked_seq: 3 });
    expect(await ackedOf('carol')).toBe(3);
  });

  it('share the window: what one acknowledged no longer counts for the other', async () => {
    const [first, second] = (await open('dave', 2)) as [Talker, Talker];
    const alice = await Talker.open(server, 'alice');
    for (let payload = 1; payload <= 6; payload += 1) await alice.ask({ dest_id: 'dave', payload });
    await Promise.all([first.nextEntries(4), second.nextEntries(4)]);
    first.ack(4);
    expect(seqs(await second.nextEntries(2))).toEqual([5, 6]);
    expect(seqs(await first.nextEntries(2))).toEqual([5, 6]);
  });

  it('each begin where they resume', async () => {
    const alice = await Talker.open(server, 'alice');
    await server.json('erin', '/v1/inbox');
    for (const payload of [1, 2, 3]) await alice.ask({ dest_id: 'erin', payload });
    const first = await Talker.open(server, 'erin');
    const query = `?epoch=${String(first.hello['epoch'])}&last_seq=2`;
    const second = await Talker.open(server, 'erin', { query });
    expect(seqs(await first.nextEntries(3))).toEqual([1, 2, 3]);
    expect(seqs(await second.nextEntries(1))).toEqual([3]);
    expect(second.entries).toHaveLength(1);
  });
});

describe('a message to oneself', () => {
  it('comes to all own connections when it is durable, the sending one too', async () => {
    const [sending, other] = (await open('frank', 2)) as [Talker, Talker];
    expect(await sending.ask({ dest_id: 'frank', payload: 'me' })).toMatchObject({ status: 'stored' });
    for (const frank of [sending, other]) {
      expect(await frank.nextEntries(1)).toMatchObject([{ seq: 1, src_id: 'frank', payload: 'me' }]);
    }
  });

  it('comes to the others only when it is transient', async () => {
    const [sending, second, third] = (await open('grace', 3)) as [Talker, Talker, Talker];
    sending.send({ dest_id: 'grace', payload: 'psst', transient: true });
    for (const grace of [second, third]) expect(await grace.next()).toMatchObject({ payload: 'psst', transient: true });
    await sending.fence();
    expect(sending.rest).toEqual([]);
  });
});
