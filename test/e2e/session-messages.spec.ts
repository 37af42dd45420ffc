import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { payloads, places, seqs, SessionTalk, takeAll, upTo } from '../support/session-talk.js';
import { holdStore } from '../support/store-lock.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ RATE_PER_SECOND: '0' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const open = (...nodeIds: readonly string[]): Promise<Talker[]> =>
  Promise.all(nodeIds.map((nodeId) => Talker.open(server, nodeId)));

describe('a durable message to a session', () => {
  it('reaches every member but the sender once, in the order of sending, with a place in the session and one in the inbox', async () => {
    const session = await SessionTalk.of(server, ['ann', 'bob', 'cleo']);
    const [ann, bob, cleo] = (await open('ann', 'bob', 'cleo')) as [Talker, Talker, Talker];
    for (const payload of upTo(100)) ann.send(session.to({ id: `m${payload}`, payload }));
    for (const payload of upTo(100))
      expect(await ann.answerTo(`m${payload}`)).toMatchObject({ type: -112, status: 'stored' });
    const seen = await Promise.all([bob, cleo].map((reader) => takeAll(reader, 100)));
    for (const frames of seen) {
      expect(payloads(frames)).toEqual(upTo(100));
      expect(seqs(frames)).toEqual(upTo(100));
      expect(places(frames)).toEqual(upTo(100).map((n) => n + 1));
    }
    await Promise.all([ann, bob, cleo].map((talker) => talker.fence()));
    expect([ann.entries, bob.rest, cleo.rest]).toEqual([[], [], []]);
  });

  it('arrives as it was sent, with what is the server’s', async () => {
    const session = await SessionTalk.of(server, ['dan', 'eva']);
    const [dan, eva] = await Promise.all([
      Talker.open(server, 'dan', { clientId: 'family' }),
      Talker.open(server, 'eva'),
    ]);
    dan.sendText(`{"dest_session_id":"${session.id}","id":"m","type":7,"payload":{"a":1,"a":2.50},"payload1":null}`);
    expect(await dan.answerTo('m')).toEqual({ type: -112, id: 'm', status: 'stored' });
    const text = await eva.nextText(({ seq }) => seq !== undefined);
    expect(text).toContain('"payload":{"a":1,"a":2.50}');
    expect(JSON.parse(text)).toEqual({
      seq: 1,
      session_seq: 2,
      timestamp: expect.any(Number) as unknown,
      type: 7,
      dest_session_id: session.id,
      id: 'm',
      src_id: 'dan',
      src_client_id: 'family',
      payload: { a: 2.5 },
      payload1: null,
    });
  });

  it('of several members at once has one order for all of them, in which each sender’s own is kept', async () => {
    const names = ['fay', 'gus', 'hua'];
    const session = await SessionTalk.of(server, [...names, 'reader', 'other']);
    const talkers = await open(...names);
    const readers = await open('reader', 'other');
    for (const payload of upTo(50))
      for (const talker of talkers) talker.send(session.to({ id: `m${payload}`, payload }));
    const [first = [], second] = await Promise.all(readers.map((reader) => takeAll(reader, 150)));
    expect(places(first)).toEqual(places(second!));
    expect(places(first)).toEqual(upTo(150).map((n) => n + 1));
    for (const name of names) expect(payloads(first.filter(({ src_id: src }) => src === name))).toEqual(upTo(50));
    // Each sender has the others' in the same order, its own left out.
    const atFay = await takeAll(talkers[0]!, 100);
    expect(places(atFay)).toEqual(places(first.filter(({ src_id: src }) => src !== 'fay')));
    expect(seqs(atFay)).toEqual(upTo(100));
  });

  it('waits for a member that is away, and comes in order when it is back', async () => {
    const session = await SessionTalk.of(server, ['ira', 'jon']);
    const [ira] = (await open('ira')) as [Talker];
    for (const payload of upTo(5)) expect(await ira.ask(session.to({ payload }))).toMatchObject({ status: 'stored' });
    const [jon] = (await open('jon')) as [Talker];
    expect(payloads(await jon.nextEntries(5))).toEqual(upTo(5));
    jon.ack(3);
    await jon.fence();
    await jon.close();
    await ira.ask(session.to({ payload: 6 }));
    const query = `?epoch=${String(jon.hello['epoch'])}&last_seq=3`;
    const again = await Talker.open(server, 'jon', { query });
    expect(again.hello).toMatchObject({ resumed: true });
    expect(payloads(await again.nextEntries(3))).toEqual([4, 5, 6]);
  });

  it('is confirmed when it is durable, whether or not any member is there to get it', async () => {
    const session = await SessionTalk.of(server, ['kim', 'lea']);
    const [kim] = (await open('kim')) as [Talker];
    const alone = await SessionTalk.of(server, ['kim']);
    expect(await kim.ask(session.to({ payload: 1 }))).toMatchObject({ status: 'stored' });
    expect(await kim.ask(alone.to({ payload: 1 }))).toMatchObject({ status: 'stored' });
    expect(kim.rest).toEqual([]);
  });

  it('is a repeat under the same id, and a conflict with another content', async () => {
    const session = await SessionTalk.of(server, ['moe', 'nia']);
    const [moe, nia] = (await open('moe', 'nia')) as [Talker, Talker];
    const message = session.to({ id: 'once', payload: 1 });
    expect(await moe.ask(message)).toMatchObject({ status: 'stored' });
    const other = await Talker.open(server, 'moe');
    expect(await other.ask(message)).toMatchObject({ status: 'duplicate' });
    const { results } = (await server.json('moe', '/v1/messages', { messages: [message] })) as { results: Frame[] };
    expect(results).toMatchObject([{ id: 'once', status: 'duplicate' }]);
    const conflict = await moe.ask({ ...message, payload: 2 });
    expect(conflict).toMatchObject({ type: -113, code: 'id_conflict', id: 'once' });
    expect(conflict).not.toHaveProperty('retry_after_ms');
    expect(await moe.ask({ ...message, type: 1 })).toMatchObject({ code: 'id_conflict' });
    expect(await nia.ask(message)).toMatchObject({ status: 'stored' });
    expect(payloads(await nia.nextEntries(1))).toEqual([1]);
    expect(await moe.nextEntries(1)).toMatchObject([{ src_id: 'nia', id: 'once' }]);
    await nia.fence();
    expect(nia.rest).toEqual([]);
  });

  it('without an id gets one, which the answer tells', async () => {
    const session = await SessionTalk.of(server, ['ola', 'pat']);
    const [ola, pat] = (await open('ola', 'pat')) as [Talker, Talker];
    ola.send(session.to({ payload: 1 }));
    const { id } = await ola.next(({ type }) => type === -112);
    expect(await pat.nextEntries(1)).toMatchObject([{ id }]);
  });
});

describe('whoever is no member', () => {
  it('hears -5 with the id, and of a session that is not there the same', async () => {
    const session = await SessionTalk.of(server, ['sue', 'tom']);
    const [eve, tom] = (await open('eve', 'tom')) as [Talker, Talker];
    const denied = await eve.ask(session.to({ id: 'm', payload: 1 }));
    expect(denied).toMatchObject({ type: -5, dest_session_id: session.id, id: 'm', code: 'session_denied' });
    const absent = await eve.ask({ dest_session_id: 'nowhere', id: 'm' });
    expect({ ...absent, dest_session_id: session.id }).toEqual(denied);
    eve.send(session.to({ id: 't', transient: true }));
    expect(await eve.answerTo('t')).toEqual({ ...denied, id: 't' });
    expect(await eve.ask(session.to({ id: 'p', dest_id: 'tom' }))).toEqual({ ...denied, id: 'p' });
    await tom.fence();
    expect(tom.rest).toEqual([]);
  });

  it('is who left, from the answer to its unjoin on; a refused id is not used up', async () => {
    const session = await SessionTalk.of(server, ['uma', 'vic'], { anyone_can_join: true });
    const [uma, vic] = (await open('uma', 'vic')) as [Talker, Talker];
    await session.unjoin('uma');
    expect(await uma.ask(session.to({ id: 'm', payload: 1 }))).toMatchObject({ type: -5 });
    await session.join('uma');
    expect(await uma.ask(session.to({ id: 'm', payload: 1 }))).toMatchObject({ status: 'stored' });
    expect((await vic.nextEntries(3)).map(({ type }) => type)).toEqual([103, 100, 0]);
  });

  it('is everybody after the end', async () => {
    const session = await SessionTalk.by(server, 'wes');
    const [wes] = (await open('wes')) as [Talker];
    await server.call('wes', `/v1/sessions/${session.id}`, { method: 'DELETE' });
    expect(await wes.ask(session.to({ payload: 1 }))).toMatchObject({ type: -5 });
  });

  it('can be a backend: its messages go to all members, in its own name', async () => {
    const session = await SessionTalk.of(server, ['xia', 'yan']);
    const [xia] = (await open('xia')) as [Talker];
    const backend = await Talker.open(server, 'backend', { role: 'app' });
    expect(await backend.ask(session.to({ payload: 1 }))).toMatchObject({ status: 'stored' });
    expect(await xia.nextEntries(1)).toMatchObject([{ src_id: 'backend', payload: 1 }]);
  });
});

it('a durable message to a session that failed for now holds up what follows it to the session, and nothing else', async () => {
  // Long enough for what is sent once the store is free again.
  const impatient = await TestServer.start({ STORE_DEADLINE_MS: '1500' });
  const session = await SessionTalk.of(impatient, ['quin', 'rob']);
  const [quin, rob] = [await Talker.open(impatient, 'quin'), await Talker.open(impatient, 'rob')];
  await impatient.json('quin', `/v1/sessions/${session.id}`);
  const release = await holdStore(impatient.dataDir);
  for (const id of ['m1', 'm2']) quin.send(session.to({ id, payload: id }));
  for (const id of ['m1', 'm2'])
    expect(await quin.answerTo(id)).toMatchObject({
      code: 'retry_later',
      retry_after_ms: expect.any(Number) as unknown,
    });
  await release();
  expect(await quin.ask(session.to({ id: 'm3', payload: 'm3' }))).toMatchObject({ code: 'retry_later' });
  expect(await quin.ask(session.to({ id: 'p', payload: 'p', dest_id: 'rob' }))).toMatchObject({ status: 'stored' });
  expect(await quin.ask({ dest_id: 'rob', id: 'd', payload: 'd' })).toMatchObject({ status: 'stored' });
  for (const id of ['m1', 'm2', 'm3']) {
    const { status } = await quin.ask(session.to({ id, payload: id }));
    expect(['stored', 'duplicate']).toContain(status);
  }
  const heard = payloads(await rob.nextEntries(5));
  expect(heard.filter((payload) => String(payload).startsWith('m'))).toEqual(['m1', 'm2', 'm3']);
  await impatient.stop();
});
