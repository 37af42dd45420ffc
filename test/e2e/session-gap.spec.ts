import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { InboxLog } from '../../src/modules/inbox/index.js';
import { hitsOf } from '../support/figures.js';
import { payloads, places, seqs, SessionTalk, upTo } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SEAT = 3;

let server: TestServer;
let log: InboxLog;
beforeAll(async () => {
  server = await TestServer.start({ SEAT_MAX_MESSAGES: String(SEAT) });
  log = server.running.app.get(InboxLog, { strict: false });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

/** Sends them one by one, and waits until each has gone where it goes. The sender hears nothing of full seats. */
async function tell(sender: Talker, session: SessionTalk, ...messages: readonly unknown[]): Promise<void> {
  for (const payload of messages) expect(await sender.ask(session.to({ payload }))).toMatchObject({ status: 'stored' });
  await session.driven(log);
}

/** Seats that were found full. */
const gaps = (): Promise<number> => hitsOf(server, 'seat_messages');

/** What came before something else that was sent later. */
async function restOf(reader: Talker, sender: Talker): Promise<Frame[]> {
  const { node_id: nodeId } = reader.hello;
  await sender.ask({ dest_id: nodeId, id: `end-${sender.heard.length}`, payload: 'end' });
  const before: Frame[] = [];
  for (;;) {
    const [entry] = (await reader.nextEntries(1)) as [Frame];
    if (entry['payload'] === 'end') return before;
    before.push(entry);
  }
}

it('a full seat gets one gap in place of all that does not fit, which says where to read on', async () => {
  const session = await SessionTalk.of(server, ['ann', 'bob']);
  const ann = await Talker.open(server, 'ann');
  const bob = await Talker.open(server, 'bob');
  const before = await gaps();
  await tell(ann, session, ...upTo(SEAT));
  expect(await gaps()).toBe(before);
  await tell(ann, session, 4, 5, 6, 7, 8, 9, 10);
  expect(await gaps()).toBe(before + 1);
  expect(payloads(await bob.nextEntries(3))).toEqual([1, 2, 3]);
  expect(await bob.nextEntries(1)).toEqual([
    { type: -115, seq: 4, timestamp: expect.any(Number) as unknown, dest_session_id: session.id, from_session_seq: 5 },
  ]);
  expect(await restOf(bob, ann)).toEqual([]);
});

it('once the gap is acknowledged the next message comes, and what was left out is read', async () => {
  const session = await SessionTalk.of(server, ['cleo', 'dan']);
  const cleo = await Talker.open(server, 'cleo');
  const dan = await Talker.open(server, 'dan');
  await tell(cleo, session, ...upTo(6));
  const gap = (await dan.nextEntries(4)).at(-1)!;
  dan.ack(Number(gap['seq']));
  await dan.fence();
  await server.json('dan', '/v1/inbox/ack', { seq: gap['seq'] });
  const { messages, complete } = await session.messages('dan', `?after=${Number(gap['from_session_seq']) - 1}`);
  expect([payloads(messages), complete]).toEqual([[4, 5, 6], true]);
  await tell(cleo, session, 7);
  const [next] = await dan.nextEntries(1);
  expect(next).toMatchObject({ seq: 5, session_seq: 8, payload: 7 });
});

it('a gap that is not acknowledged stays the only one, whatever else is', async () => {
  const session = await SessionTalk.of(server, ['eva', 'fay']);
  const eva = await Talker.open(server, 'eva');
  const fay = await Talker.open(server, 'fay');
  await tell(eva, session, ...upTo(5));
  expect((await fay.nextEntries(4)).at(-1)).toMatchObject({ type: -115, from_session_seq: 5 });
  await server.json('fay', '/v1/inbox/ack', { seq: 1 });
  await tell(eva, session, 6, 7);
  expect(await restOf(fay, eva)).toEqual([]);
});

it('room that comes ends a gap, whether it is acknowledged or not', async () => {
  const session = await SessionTalk.of(server, ['ida', 'joe']);
  const ida = await Talker.open(server, 'ida');
  const joe = await Talker.open(server, 'joe');
  await tell(ida, session, ...upTo(5));
  expect((await joe.nextEntries(4)).at(-1)).toMatchObject({ type: -115, from_session_seq: 5 });
  await server.json('joe', '/v1/inbox/ack', { seq: 2 });
  await tell(ida, session, 6);
  expect(await joe.nextEntries(1)).toMatchObject([{ seq: 5, session_seq: 7, payload: 6 }]);
});

it('a seat that is full again gets a new gap', async () => {
  const session = await SessionTalk.of(server, ['gus', 'hua']);
  const gus = await Talker.open(server, 'gus');
  const hua = await Talker.open(server, 'hua');
  for (const round of [0, 1]) {
    await tell(gus, session, ...upTo(5));
    const frames = await hua.nextEntries(4);
    expect(frames.at(-1)).toMatchObject({ type: -115, from_session_seq: 5 + round * 5 });
    await server.json('hua', '/v1/inbox/ack', { seq: frames.at(-1)!['seq'] });
  }
  expect(seqs(hua.entries)).toEqual(upTo(8));
});

it('each session and client has a seat of its own, and none takes the place of messages for the node itself', async () => {
  await server.call('jon', '/v1/inbox', { clientId: 'family' });
  const [full, other] = [await SessionTalk.of(server, ['ira', 'jon']), await SessionTalk.of(server, ['ira', 'jon'])];
  const ira = await Talker.open(server, 'ira');
  const jon = await Talker.open(server, 'jon', { clientId: 'family' });
  await tell(ira, full, ...upTo(5));
  await tell(ira, other, 'o1', 'o2', 'o3');
  for (const payload of upTo(5)) await ira.ask({ dest_client_id: 'family', payload: `c${payload}` });
  const rest = await restOf(jon, ira);
  expect(rest.filter(({ type }) => type === -115)).toMatchObject([
    { dest_session_id: full.id },
    { dest_client_id: 'family' },
  ]);
  expect(payloads(rest.filter((entry) => entry['dest_session_id'] === other.id))).toEqual(['o1', 'o2', 'o3']);
  expect(places(rest.filter((entry) => entry['dest_client_id'] === 'family' && entry['type'] === 0))).toHaveLength(3);
});

it('other members are not held up by a full seat', async () => {
  const session = await SessionTalk.of(server, ['kim', 'lea', 'moe']);
  const kim = await Talker.open(server, 'kim');
  const moe = await Talker.open(server, 'moe');
  for (const payload of upTo(8)) {
    expect(await kim.ask(session.to({ payload }))).toMatchObject({ status: 'stored' });
    const [entry] = await moe.nextEntries(1);
    await server.json('moe', '/v1/inbox/ack', { seq: entry!['seq'] });
  }
  expect(payloads(moe.entries)).toEqual(upTo(8));
  const lea = await Talker.open(server, 'lea');
  expect((await lea.nextEntries(4)).map(({ type }) => type)).toEqual([0, 0, 0, -115]);
});
