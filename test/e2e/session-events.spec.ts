import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { places, seqs, SessionTalk } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ SESSION_EVENTS_MEMBERS: '4' });
  for (const nodeId of ['ann', 'bob', 'cleo', 'dan']) await server.json(nodeId, '/v1/inbox');
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

let nodes = 0;

/** Connected, under a name that no other test uses. */
async function open(name: string): Promise<Talker & { readonly nodeId: string }> {
  const nodeId = `${name}-${(nodes += 1)}`;
  return Object.assign(await Talker.open(server, nodeId), { nodeId });
}

const event = (session: SessionTalk, type: number, srcId: string, seq: number, place: number): Frame => ({
  seq,
  session_seq: place,
  timestamp: expect.any(Number) as unknown,
  type,
  dest_session_id: session.id,
  id: expect.any(String) as unknown,
  src_id: srcId,
});

async function rests(...talkers: readonly Talker[]): Promise<Frame[][]> {
  await Promise.all(talkers.map((talker) => talker.fence()));
  return talkers.map((talker) => talker.rest);
}

it('a creation is told nobody', async () => {
  const ann = await open('ann');
  const bob = await open('bob');
  await SessionTalk.of(server, [ann.nodeId, bob.nodeId]);
  await SessionTalk.by(server, ann.nodeId);
  expect(await rests(ann, bob)).toEqual([[], []]);
});

it('all hear who joins, the new one too; a second join is told nobody', async () => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  const session = await SessionTalk.by(server, ann.nodeId, { anyone_can_join: true });
  await session.join(bob.nodeId);
  await session.join(bob.nodeId);
  await session.join(bob.nodeId, { anonymous: true });
  expect(await ann.nextEntries(1)).toEqual([event(session, 100, bob.nodeId, 1, 2)]);
  expect(await bob.nextEntries(1)).toEqual([event(session, 100, bob.nodeId, 1, 2)]);
  expect(await rests(ann, bob)).toEqual([[], []]);
});

it('all hear who leaves, and who left hears it as the last', async () => {
  const [ann, bob, cleo] = [await open('ann'), await open('bob'), await open('cleo')];
  const session = await SessionTalk.of(server, [ann.nodeId, bob.nodeId, cleo.nodeId]);
  await session.unjoin(bob.nodeId);
  await ann.ask(session.to({ payload: 'after' }));
  for (const talker of [ann, bob]) expect(await talker.nextEntries(1)).toEqual([event(session, 103, bob.nodeId, 1, 2)]);
  expect((await cleo.nextEntries(2)).map(({ type }) => type)).toEqual([103, 0]);
  expect(await rests(ann, bob)).toEqual([[], []]);
});

it('all hear who reveals itself, once, by its alias and with its node id', async () => {
  const [ann, hal] = [await open('ann'), await open('hal')];
  const session = await SessionTalk.of(server, [ann.nodeId, { node_id: hal.nodeId, alias: '~hal' }]);
  await session.reveal(hal.nodeId);
  await session.reveal(hal.nodeId);
  await session.reveal(ann.nodeId);
  const told = { ...event(session, 104, '~hal', 1, 2), payload: { node_id: hal.nodeId } };
  for (const talker of [ann, hal]) expect(await talker.nextEntries(1)).toEqual([told]);
  expect(await rests(ann, hal)).toEqual([[], []]);
});

it('all hear the end, and nothing after it', async () => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  const session = await SessionTalk.by(server, ann.nodeId, { anyone_can_join: true });
  await session.join(bob.nodeId);
  await server.call(ann.nodeId, `/v1/sessions/${session.id}`, { method: 'DELETE' });
  for (const talker of [ann, bob])
    expect(await talker.nextEntries(2)).toEqual([
      event(session, 100, bob.nodeId, 1, 2),
      event(session, 105, ann.nodeId, 2, 3),
    ]);
});

it('what happens stands between the messages where it happened, for who is away too', async () => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  const session = await SessionTalk.of(server, [ann.nodeId, bob.nodeId, 'cleo'], { anyone_can_join: true });
  await ann.ask(session.to({ payload: 1 }));
  await session.unjoin('cleo');
  await ann.ask(session.to({ payload: 2 }));
  await session.join('cleo');
  await ann.ask(session.to({ payload: 3 }));
  const atBob = await bob.nextEntries(5);
  expect(atBob.map(({ type }) => type)).toEqual([0, 103, 0, 100, 0]);
  expect([seqs(atBob), places(atBob)]).toEqual([
    [1, 2, 3, 4, 5],
    [2, 3, 4, 5, 6],
  ]);
  const cleo = await Talker.open(server, 'cleo');
  const atCleo = await cleo.nextEntries(4);
  expect(atCleo.map(({ type }) => type)).toEqual([0, 103, 100, 0]);
  expect(places(atCleo)).toEqual([2, 3, 5, 6]);
  expect(await rests(cleo)).toEqual([[]]);
});

it('in a session of more than so many only whom it concerns hears of it', async () => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  const crowd = ['m1', 'm2', 'm3'].map((name) => `${name}-${ann.nodeId}`);
  for (const nodeId of crowd) await server.json(nodeId, '/v1/inbox');
  const session = await SessionTalk.of(server, [ann.nodeId, ...crowd], { anyone_can_join: true });
  await session.join(bob.nodeId);
  expect(await bob.nextEntries(1)).toMatchObject([{ type: 100, src_id: bob.nodeId, session_seq: 2 }]);
  await session.unjoin(bob.nodeId);
  // Four are left: few enough for the leave to be told all of them.
  for (const talker of [bob, ann]) expect(await talker.nextEntries(1)).toMatchObject([{ type: 103, session_seq: 3 }]);
  await session.join(bob.nodeId, { anonymous: true });
  await session.reveal(bob.nodeId);
  await bob.ask(session.to({ payload: 'hello' }));
  expect(await bob.nextEntries(1)).toMatchObject([{ type: 100, session_seq: 4 }]);
  expect(await ann.nextEntries(1)).toMatchObject([{ payload: 'hello', session_seq: 6, src_id: bob.nodeId }]);
  expect(await rests(ann, bob)).toEqual([[], []]);
});

it.each([100, 103, 104, 105])('a client that sends a message of type %i is refused', async (type) => {
  const ann = await open('ann');
  const session = await SessionTalk.by(server, ann.nodeId);
  expect(await ann.ask(session.to({ type }))).toMatchObject({ type: -113, code: 'reserved_type', field: 'type' });
});
