import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SessionTalk } from '../support/session-talk.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const open = (...nodeIds: readonly string[]): Promise<Talker[]> =>
  Promise.all(nodeIds.map((nodeId) => Talker.open(server, nodeId)));

it('a private message reaches one visible member, by its node id, and nobody else', async () => {
  const session = await SessionTalk.of(server, ['ann', 'bob', 'cleo']);
  const [ann, bob, cleo] = (await open('ann', 'bob', 'cleo')) as [Talker, Talker, Talker];
  expect(await ann.ask(session.to({ dest_id: 'bob', id: 'm', payload: 'psst' }))).toMatchObject({ status: 'stored' });
  expect(await bob.nextEntries(1)).toMatchObject([
    { seq: 1, session_seq: 2, src_id: 'ann', id: 'm', dest_session_id: session.id, dest_id: 'bob', payload: 'psst' },
  ]);
  await ann.ask(session.to({ payload: 'all' }));
  expect(await cleo.nextEntries(1)).toMatchObject([{ seq: 1, session_seq: 3, payload: 'all' }]);
  await Promise.all([ann, cleo].map((talker) => talker.fence()));
  expect([ann.rest, cleo.rest]).toEqual([[], []]);
});

it('one to a hidden member goes by its alias, which is all that either side shows, and after a reveal by both names', async () => {
  const session = await SessionTalk.of(server, ['dan', { node_id: 'hal', alias: '~hal' }]);
  const [dan, hal] = (await open('dan', 'hal')) as [Talker, Talker];
  expect(await dan.ask(session.to({ dest_id: '~hal', payload: 1 }))).toMatchObject({ status: 'stored' });
  expect(await hal.nextEntries(1)).toMatchObject([{ src_id: 'dan', dest_id: '~hal', payload: 1 }]);
  expect(await hal.ask(session.to({ dest_id: 'dan', id: 'mine', payload: 2 }))).toMatchObject({ status: 'stored' });
  const [answer] = await dan.nextEntries(1);
  expect(answer).toMatchObject({ src_id: '~hal', dest_id: 'dan', payload: 2 });
  expect(answer!['id']).not.toBe('mine');
  await session.reveal('hal');
  for (const name of ['~hal', 'hal'])
    expect(await dan.ask(session.to({ dest_id: name, payload: name }))).toMatchObject({ status: 'stored' });
  const heard = await hal.nextEntries(3);
  expect(heard.slice(1)).toMatchObject([
    { dest_id: '~hal', payload: '~hal' },
    { dest_id: 'hal', payload: 'hal' },
  ]);
});

it('to nobody whom the sender can see, it is answered the same whoever is named', async () => {
  const session = await SessionTalk.of(server, ['eve', 'gus', { node_id: 'hua', alias: '~hua' }]);
  await server.json('stranger', '/v1/inbox');
  const [eve, hua] = (await open('eve', 'hua')) as [Talker, Talker];
  await session.unjoin('gus');
  const asked = ['hua', 'stranger', 'never-seen', 'gus', '~nobody'].map((name, index) =>
    eve.ask(session.to({ dest_id: name, id: `m${index}` })),
  );
  const answers = await Promise.all(asked);
  const wanted = { type: -113, code: 'member_unknown', reason: expect.any(String) as unknown, field: 'dest_id' };
  for (const [index, answer] of answers.entries()) expect(answer).toEqual({ ...wanted, id: `m${index}` });
  expect(new Set(answers.map(({ reason }) => reason)).size).toBe(1);
  expect(await hua.nextEntries(1)).toMatchObject([{ type: 103, src_id: 'gus' }]);
  await hua.fence();
  expect(hua.rest).toEqual([]);
});

it('it is read by its two parties only, also where all may read the history', async () => {
  const session = await SessionTalk.of(server, ['ira', 'jon', 'kim'], { history: 'all' });
  const [ira] = (await open('ira')) as [Talker];
  await ira.ask(session.to({ dest_id: 'jon', payload: 'psst' }));
  const read = async (nodeId: string, request = {}): Promise<unknown[]> =>
    (await session.messages(nodeId, '', request)).messages.map(({ payload }) => payload);
  expect(await Promise.all(['ira', 'jon', 'kim'].map((nodeId) => read(nodeId)))).toEqual([['psst'], ['psst'], []]);
  expect(await read('backend', { role: 'app' })).toEqual([]);
});

it('to oneself it comes to all own connections', async () => {
  const session = await SessionTalk.of(server, ['lea', 'moe']);
  const [lea, moe] = (await open('lea', 'moe')) as [Talker, Talker];
  expect(await lea.ask(session.to({ dest_id: 'lea', payload: 'note' }))).toMatchObject({ status: 'stored' });
  expect(await lea.nextEntries(1)).toMatchObject([{ payload: 'note', src_id: 'lea' }]);
  await moe.fence();
  expect(moe.rest).toEqual([]);
});
