import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { payloads, SessionTalk, upTo } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const open = (...nodeIds: readonly string[]): Promise<Talker[]> =>
  Promise.all(nodeIds.map((nodeId) => Talker.open(server, nodeId)));
const isTransient = ({ transient }: Frame): boolean => transient === true;

it('a transient message goes, as one and the same text, to every connection of the other members that are there', async () => {
  const session = await SessionTalk.of(server, ['ann', 'bob', 'cleo', 'away']);
  const [ann, other, bob, again, cleo] = (await open('ann', 'ann', 'bob', 'bob', 'cleo')) as [
    Talker,
    Talker,
    Talker,
    Talker,
    Talker,
  ];
  ann.send(session.to({ id: 'x', type: 9, payload: { a: [1] }, transient: true }));
  const texts = await Promise.all([bob, again, cleo].map((talker) => talker.nextText(isTransient)));
  expect(new Set(texts).size).toBe(1);
  expect(JSON.parse(texts[0]!)).toEqual({
    type: 9,
    dest_session_id: session.id,
    id: 'x',
    src_id: 'ann',
    transient: true,
    payload: { a: [1] },
    timestamp: expect.any(Number) as unknown,
  });
  await Promise.all([ann, other].map((talker) => talker.fence()));
  expect([ann.rest, other.rest]).toEqual([[], []]);
});

it('it is not stored, nobody gets it later, and it stands in no history', async () => {
  const session = await SessionTalk.of(server, ['dan', 'eva']);
  const [dan] = (await open('dan')) as [Talker];
  dan.send(session.to({ payload: 'lost', transient: true }));
  await dan.ask(session.to({ payload: 'kept' }));
  const [eva] = (await open('eva')) as [Talker];
  expect(await eva.nextEntries(1)).toMatchObject([{ seq: 1, session_seq: 2, payload: 'kept' }]);
  await eva.fence();
  expect(eva.rest).toEqual([]);
  expect(payloads((await session.messages('dan')).messages)).toEqual(['kept']);
});

it('many of one sender come in their order, from the first on', async () => {
  const session = await SessionTalk.of(server, ['fay', 'gus']);
  const [fay, gus] = (await open('fay', 'gus')) as [Talker, Talker];
  for (const payload of upTo(200)) fay.send(session.to({ payload, transient: true }));
  const heard: Frame[] = [];
  while (heard.length < 200) heard.push(await gus.next(isTransient));
  expect(payloads(heard)).toEqual(upTo(200));
});

it('it reaches a new member soon, and one that left no more', async () => {
  const session = await SessionTalk.of(server, ['hua', 'ira'], { anyone_can_join: true });
  const [hua, ira, jon] = (await open('hua', 'ira', 'jon')) as [Talker, Talker, Talker];
  await session.join('jon');
  await session.unjoin('ira');
  hua.send(session.to({ payload: 'now', transient: true }));
  expect(await jon.next(isTransient)).toMatchObject({ payload: 'now' });
  await ira.fence();
  expect(ira.rest.filter(isTransient)).toEqual([]);
  ira.send(session.to({ id: 'late', transient: true }));
  expect(await ira.answerTo('late')).toMatchObject({ type: -5, code: 'session_denied', dest_session_id: session.id });
});

it('a private one goes to the one that is named, and one to oneself to the other own connections', async () => {
  const session = await SessionTalk.of(server, ['kim', { node_id: 'lea', alias: '~lea' }, 'moe']);
  const [kim, other, lea, moe] = (await open('kim', 'kim', 'lea', 'moe')) as [Talker, Talker, Talker, Talker];
  kim.send(session.to({ dest_id: '~lea', payload: 1, transient: true }));
  expect(await lea.next(isTransient)).toMatchObject({ src_id: 'kim', dest_id: '~lea', payload: 1 });
  kim.send(session.to({ dest_id: 'kim', payload: 2, transient: true }));
  expect(await other.next(isTransient)).toMatchObject({ src_id: 'kim', payload: 2 });
  expect(await kim.ask(session.to({ dest_id: 'lea', transient: true }))).toMatchObject({ code: 'member_unknown' });
  await Promise.all([kim, moe].map((talker) => talker.fence()));
  expect([kim.rest, moe.rest]).toEqual([[], []]);
});

it('by REST it is answered as sent, and refused for who is no member', async () => {
  const session = await SessionTalk.of(server, ['nia', 'ola']);
  const [ola] = (await open('ola')) as [Talker];
  const messages = [session.to({ id: 'r', payload: 1, transient: true })];
  const results = async (nodeId: string): Promise<unknown> =>
    ((await server.json(nodeId, '/v1/messages', { messages })) as { results: unknown }).results;
  expect(await results('nia')).toMatchObject([{ id: 'r', status: 'sent' }]);
  expect(await ola.next(isTransient)).toMatchObject({ src_id: 'nia', payload: 1 });
  expect(await results('eve')).toMatchObject([{ id: 'r', status: 'refused', code: 'session_denied' }]);
});
