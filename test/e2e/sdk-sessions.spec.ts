import type { AllsparkClient, Message, SessionEvent } from '@allspark/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Mailbox } from '../../sdk/src/testing/mailbox.js';
import { type KeyRequest, TestServer } from '../support/test-server.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});

afterAll(() => server.stop());

/** A node of the library, and what it was told in the order in which it was told. */
interface Node {
  readonly id: string;
  readonly client: AllsparkClient;
  readonly told: Mailbox<Message | SessionEvent>;
  readonly errors: unknown[];
}

let nodes = 0;

/** Connected, under a name that no other test uses. */
async function node(name: string, request: KeyRequest & { id?: string } = {}, at = server): Promise<Node> {
  const { id = `${name}-${(nodes += 1)}`, ...key } = request;
  const told = new Mailbox<Message | SessionEvent>();
  const errors: unknown[] = [];
  const tell = (entry: Message | SessionEvent): void => told.put(entry);
  const handlers = { onMessage: tell, onSessionEvent: tell, onError: (error: unknown) => void errors.push(error) };
  const client = at.client(id, { ...handlers, ...key });
  await client.connect();
  return { id, client, told, errors };
}

async function take(from: Node, count: number): Promise<(Message | SessionEvent)[]> {
  const taken: (Message | SessionEvent)[] = [];
  while (taken.length < count) taken.push(await from.told.take());
  return taken;
}

const payload = (entry: Message | SessionEvent): unknown => (entry.kind === 'message' ? entry.payload : entry.event);

describe('a session', () => {
  it('tells all members the same in one order, and one of them what is for it alone', async () => {
    const [alice, bob, carol] = await Promise.all([node('alice'), node('bob'), node('carol')]);
    const { sessionId } = await alice.client.createSession({ anyoneCanJoin: true, metadata: { someKey: 1 } });
    await carol.client.joinSession(sessionId);
    const { alias = '' } = await bob.client.joinSession(sessionId, { anonymous: true });
    expect(alias).toMatch(/^~/);

    await bob.client.send({ destSessionId: sessionId, payload: 'to all' });
    await alice.client.send({ destSessionId: sessionId, destId: alias, payload: 'to bob' });
    await bob.client.revealInSession(sessionId);
    await alice.client.send({ destSessionId: sessionId, destId: bob.id, payload: 'to bob again' });
    await bob.client.unjoinSession(sessionId);
    await alice.client.endSession(sessionId);

    const atBob = await take(bob, 5);
    expect(atBob.map(payload)).toEqual(['joined', 'to bob', 'revealed', 'to bob again', 'left']);
    const atCarol = await take(carol, 6);
    expect(atCarol.map(payload)).toEqual(['joined', 'joined', 'to all', 'revealed', 'left', 'ended']);
    expect(atCarol.map(({ srcId }) => srcId)).toEqual([carol.id, alias, alias, alias, bob.id, alice.id]);
    expect(atCarol[3]).toMatchObject({ kind: 'event', nodeId: bob.id, destSessionId: sessionId });
    const places = atCarol.map(({ sessionSeq = 0 }) => sessionSeq);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect([...alice.errors, ...bob.errors, ...carol.errors]).toEqual([]);
  });

  it('is described, listed and read by its members only', async () => {
    const [alice, mallory] = await Promise.all([node('alice'), node('mallory')]);
    const made = await alice.client.createSession({ metadata: { someKey: { in_there: 1 } } });
    const { sessionId } = made;
    expect(made).toMatchObject({ type: 'normal', owner: alice.id, you: { nodeId: alice.id }, notifyLimit: 0 });
    expect(made.metadata).toEqual({ someKey: { in_there: 1 } });
    await alice.client.send({ destSessionId: sessionId, rawPayload: '{"n":1e400}' });

    await expect(alice.client.session(sessionId)).resolves.toEqual(made);
    const { sessions } = await alice.client.sessions();
    expect(sessions.map((session) => session.sessionId)).toEqual([sessionId]);
    const page = await alice.client.sessionMessages(sessionId);
    expect(page).toMatchObject({ complete: true, messages: [{ srcId: alice.id, fromHistory: true }] });
    expect(page.messages[0]?.raw).toContain('"payload":{"n":1e400}');

    const denied = { code: 'session_denied' };
    await expect(mallory.client.session(sessionId)).rejects.toMatchObject(denied);
    await expect(mallory.client.sessionMessages(sessionId)).rejects.toMatchObject(denied);
    await expect(mallory.client.send({ destSessionId: sessionId })).rejects.toMatchObject(denied);
    const unknown = { code: 'member_unknown' };
    const toNobody = alice.client.send({ destSessionId: sessionId, destId: mallory.id });
    await expect(toNobody).rejects.toMatchObject(unknown);
  });

  it('that is a game has players who reach the master only, as long as there is one', async () => {
    const [master, bob, carol] = await Promise.all([node('master'), node('bob'), node('carol')]);
    const { sessionId } = await master.client.createSession({ type: 'game', anyoneCanJoin: true });
    await bob.client.joinSession(sessionId);
    await carol.client.joinSession(sessionId);
    await bob.client.send({ destSessionId: sessionId, payload: 'move' });
    const past = bob.client.send({ destSessionId: sessionId, destId: carol.id });
    await expect(past).rejects.toMatchObject({ code: 'forbidden' });
    await master.client.send({ destSessionId: sessionId, payload: 'next' });
    expect((await take(master, 3)).map(payload)).toEqual(['joined', 'joined', 'move']);
    expect((await take(carol, 2)).map(payload)).toEqual(['joined', 'next']);
    await master.client.unjoinSession(sessionId);
    await expect(bob.client.send({ destSessionId: sessionId })).rejects.toMatchObject({ code: 'no_master' });
  });

  it('is made once by calls under one key', async () => {
    const alice = await node('alice');
    const first = await alice.client.createSession({ idempotencyKey: 'k1' });
    await expect(alice.client.createSession({ idempotencyKey: 'k1' })).resolves.toEqual(first);
    const other = alice.client.createSession({ idempotencyKey: 'k1', type: 'game' });
    await expect(other).rejects.toMatchObject({ code: 'id_conflict', status: 409 });
  });
});

describe('a client', () => {
  it('hears on all its nodes but the sending one, and each of them may read it', async () => {
    const clientId = `client-${(nodes += 1)}`;
    const [phone, tablet] = await Promise.all([node('phone', { clientId }), node('tablet', { clientId })]);
    const alice = await node('alice');
    await alice.client.send({ destClientId: clientId, payload: 'to both' });
    await phone.client.send({ destClientId: clientId, payload: 'from phone' });
    await phone.client.send({ destClientId: clientId, payload: 'now', transient: true });
    expect((await take(phone, 1)).map(payload)).toEqual(['to both']);
    const heard = await take(tablet, 3);
    expect(new Set(heard.map(payload))).toEqual(new Set(['to both', 'from phone', 'now']));
    const { messages } = await tablet.client.clientMessages(clientId);
    expect(messages.map(payload)).toEqual(['to both', 'from phone']);
    await expect(alice.client.clientMessages(clientId)).rejects.toMatchObject({ status: 403 });
    await expect(alice.client.send({ destClientId: 'nobody-ever' })).rejects.toMatchObject({ code: 'node_unknown' });
  });
});

describe('a seat that was full', () => {
  const SEAT = 4;
  let small: TestServer;

  beforeAll(async () => {
    small = await TestServer.start({ SEAT_MAX_MESSAGES: String(SEAT) });
  });

  afterAll(() => small.stop());

  it('is made up for from history, in order and once, whoever goes on writing', async () => {
    const [alice, bob] = await Promise.all([node('alice', {}, small), node('bob', {}, small)]);
    const { sessionId } = await alice.client.createSession({ anyoneCanJoin: true });
    await bob.client.joinSession(sessionId);
    await take(bob, 1);
    await expect(bob.client.ackInbox(1)).resolves.toBe(1);
    await bob.client.close();

    const say = (n: number): Promise<unknown> => alice.client.send({ destSessionId: sessionId, payload: n });
    for (let n = 1; n <= 10; n += 1) await say(n);
    const back = await node('bob', { id: bob.id }, small);
    for (let n = 11; n <= 30; n += 1) await say(n);
    const heard = await take(back, 30);
    expect(heard.map(payload)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(heard.slice(0, SEAT).some(({ fromHistory }) => fromHistory)).toBe(false);
    expect(heard[SEAT]).toMatchObject({ payload: 5, fromHistory: true });
    await say(31);
    expect((await take(back, 1)).map(payload)).toEqual([31]);
    expect([back.told.rest, back.errors]).toEqual([[], []]);
  });
});
