import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SessionTalk } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ PRESENCE: 'all' });
  await server.call('hidden-node', '/v1/inbox', { clientId: 'hidden-client' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const hiddenKey = { clientId: 'hidden-client' };
const ALIAS = /^~[\w-]{22,}$/;

interface Party {
  readonly session: SessionTalk;
  readonly ann: Talker;
  readonly hidden: Talker;
  readonly alias: string;
}

/** A node and one that hides from it. */
async function party(nodeId: string, terms: Frame = {}): Promise<Party> {
  const ann = await Talker.open(server, nodeId);
  const session = await SessionTalk.by(server, nodeId, { anyone_can_join: true, ...terms });
  const hidden = await Talker.open(server, 'hidden-node', hiddenKey);
  const { member } = await session.join('hidden-node', { anonymous: true });
  return { session, ann, hidden, alias: String((member as Frame)['alias']) };
}

/** What comes next of it, past what waits of others. */
function fromSession(talker: Talker, { id }: SessionTalk): Promise<Frame> {
  return talker.next((frame) => frame['dest_session_id'] === id);
}

it('what an anonymous member sends shows its alias, no client, and an id of its own', async () => {
  const { session, ann, hidden, alias } = await party('ann');
  expect(alias).toMatch(ALIAS);
  expect(await hidden.ask(session.to({ id: 'hidden-message', payload: 1 }))).toMatchObject({
    status: 'stored',
    id: 'hidden-message',
  });
  const [joined, message] = await ann.nextEntries(2);
  expect(joined).toMatchObject({ type: 100, src_id: alias });
  expect(message).toMatchObject({ src_id: alias, payload: 1 });
  expect(message).not.toHaveProperty('src_client_id');
  hidden.send(session.to({ id: 'hidden-transient', payload: 2, transient: true }));
  expect(await ann.next(({ transient }) => transient === true)).toMatchObject({ src_id: alias, payload: 2 });
  const history = await session.messages('ann');
  expect(history.messages.at(-1)).toMatchObject({
    src_id: alias,
    id: message!['id'],
    session_seq: message!['session_seq'],
  });
  expect([...ann.heard, JSON.stringify(history), JSON.stringify(await session.view('ann'))].join('\n')).not.toContain(
    'hidden-',
  );
});

it('its repeats are known as such all the same, and reach nobody again', async () => {
  const { session, ann, hidden } = await party('bob');
  const message = session.to({ id: 'again', payload: 1 });
  expect(await hidden.ask(message)).toMatchObject({ status: 'stored' });
  expect(await hidden.ask(message)).toMatchObject({ status: 'duplicate', id: 'again' });
  await ann.nextEntries(2);
  await ann.fence();
  expect(ann.rest).toEqual([]);
});

it('it gets what the others send, and in what comes to it nothing tells them that it was there', async () => {
  const { session, ann, hidden, alias } = await party('cleo');
  await ann.ask(session.to({ payload: 'to all' }));
  expect(await ann.ask(session.to({ dest_id: alias, id: 'p1', payload: 'to one' }))).toEqual({
    type: -112,
    id: 'p1',
    status: 'stored',
  });
  const heard = [
    await fromSession(hidden, session),
    await fromSession(hidden, session),
    await fromSession(hidden, session),
  ];
  expect(heard.map(({ payload }) => payload)).toEqual([undefined, 'to all', 'to one']);
  hidden.ack(Number(hidden.entries.at(-1)!['seq']));
  await hidden.fence();
  await hidden.close();
  expect(await ann.ask(session.to({ dest_id: alias, id: 'p2', payload: 'away' }))).toEqual({
    type: -112,
    id: 'p2',
    status: 'stored',
  });
  await ann.nextEntries(1);
  for (let turn = 0; turn < 10; turn += 1) await ann.fence();
  expect(ann.rest).toEqual([]);
});

it('after it revealed itself its messages show its node and client, those before stay as they were', async () => {
  const { session, ann, hidden, alias } = await party('dan');
  await hidden.ask(session.to({ payload: 'before' }));
  await session.reveal('hidden-node');
  await hidden.ask(session.to({ id: 'open', payload: 'after' }));
  const [, before, revealed, after] = await ann.nextEntries(4);
  expect(before).toMatchObject({ src_id: alias });
  expect(revealed).toMatchObject({ type: 104, src_id: alias, payload: { node_id: 'hidden-node' } });
  expect(after).toMatchObject({ src_id: 'hidden-node', src_client_id: 'hidden-client', id: 'open' });
  const { messages } = await session.messages('dan');
  expect(messages.map((frame) => frame['src_id'])).toEqual([alias, alias, alias, 'hidden-node']);
});

it('when it leaves and comes back it has another alias, and under the old one there is nobody', async () => {
  const { session, ann, alias } = await party('eva');
  await session.unjoin('hidden-node');
  const { member } = await session.join('hidden-node', { anonymous: true });
  const again = String((member as Frame)['alias']);
  expect(again).toMatch(ALIAS);
  expect(again).not.toBe(alias);
  expect((await ann.nextEntries(3)).map(({ src_id: src }) => src)).toEqual([alias, alias, again]);
  expect(await ann.ask(session.to({ dest_id: alias }))).toMatchObject({ code: 'member_unknown' });
  expect(await ann.ask(session.to({ dest_id: again }))).toMatchObject({ status: 'stored' });
});

it('the owner can be hidden too: of what happens by it nothing shows who it is', async () => {
  const guest = await Talker.open(server, 'guest');
  const session = await SessionTalk.by(server, 'hidden-node', { anonymous: true, anyone_can_join: true });
  await session.join('guest');
  const hidden = await Talker.open(server, 'hidden-node', hiddenKey);
  await hidden.ask(session.to({ id: 'hidden-message', payload: 1 }));
  const { owner, members } = await session.view('guest');
  expect(owner).toMatch(ALIAS);
  expect(members).toContainEqual({ alias: owner, anonymous: true, role: 'owner' });
  await server.call('hidden-node', `/v1/sessions/${session.id}`, { method: 'DELETE', ...hiddenKey });
  expect(await guest.nextEntries(3)).toMatchObject([{ type: 100 }, { src_id: owner }, { type: 105, src_id: owner }]);
  expect(guest.heard.join('\n')).not.toContain('hidden-');
});
