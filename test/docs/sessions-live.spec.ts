import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Json, Party } from '../support/party.js';
import { type Fits, type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';
import { accepted, examples, parsed, shapeOf, shown } from './protocol-examples.js';

const ALIAS = '~pJ1oXx7SBkDEmY0Ws4vPqA';
const OTHER_ALIAS = '~Kq3vXn0bT1mZ8yR4cW6dUw';

let server: TestServer;
let alice: Party;
let bob: Party;
let bobsLaptop: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  alice = new Party(server, 'alice-phone', { clientId: 'alice' });
  bob = new Party(server, 'bob-phone', { clientId: 'bob' });
  bobsLaptop = new Party(server, 'bob-laptop', { clientId: 'bob' });
  app = Party.app(server);
  for (const party of [alice, bob, bobsLaptop]) await party.ask('GET', '/v1/sessions');
  await Party.known(server, 'carol-tablet', 'dave-laptop');
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const request = (name: string): Json => parsed('request', name) as Json;
const response = (name: string): unknown => shapeOf(parsed('response', name));
const frame = (name: string): unknown => shapeOf(parsed('server', name));
const idOf = ({ body }: { readonly body: Json }): string => body['session_id'] as string;
const aliasOf = ({ body }: { readonly body: Json }): string => (body['member'] as { alias: string }).alias;
const create = (party: Party, name: string): ReturnType<Party['ask']> =>
  party.ask('POST', '/v1/sessions', request(name));

/** A frame of a client as the document shows it. */
function shownFrame(id: string): Frame {
  const fence = accepted.find(({ text }) => text.includes(`"${id}"`));
  return JSON.parse(fence?.text ?? '{}') as Frame;
}

/** The same in a session of the test's own. */
const sent = (id: string): Frame => ({ ...shownFrame(id), dest_session_id: 's-2' });
const isThere: Fits = ({ dest_session_id: id, type }) => id === 's-2' && Number(type) >= 0;
const next = (talker: Talker): Promise<Frame> => talker.next(isThere);
const numbers = (messages: readonly Json[]): unknown[] => messages.map(({ session_seq: n }) => n);

describe('the calls of sessions answer with the fields that docs/protocol.md shows', () => {
  it('from the creation to the end', async () => {
    const created = await create(alice, 'session');
    expect([created.status, shapeOf(created.body)]).toEqual([201, response('session')]);
    expect(created.body).toMatchObject(request('session'));
    const id = idOf(created);
    const joined = await bob.join(id, request('join'));
    expect([joined.status, shapeOf(joined.body)]).toEqual([200, response('join')]);
    expect(shapeOf((await alice.view(id)).body)).toEqual(response('session-seen'));
    expect(shapeOf((await bob.reveal(id)).body)).toEqual(response('reveal'));
    expect(shapeOf((await alice.join(id, request('join-another'))).body)).toEqual(response('join-another'));
    const unjoin = shown('request', 'unjoin').replace(OTHER_ALIAS, aliasOf(joined));
    expect(shapeOf((await alice.unjoin(id, JSON.parse(unjoin) as Json)).body)).toEqual(response('unjoin'));
    const { request_id: _id, ...denied } = (await bob.view(id)).body;
    expect(parsed('response', 'session-denied')).toMatchObject(denied);
    const ended = await alice.end(id);
    expect([ended.status, shapeOf(ended.body)]).toEqual([200, response('session-ended')]);
  });

  it('of an app, whose ids are its own, to the letter', async () => {
    const { status, body } = await create(app, 'session-of-app');
    const { created_at: _then, ...rest } = parsed('response', 'session-of-app') as Json;
    expect([status, body]).toMatchObject([201, rest]);
    await app.end('s-1');
    expect((await create(app, 'session-of-app')).status).toBe(409);
  });

  it('of a game whose master hides', async () => {
    const { status, body } = await create(alice, 'game');
    expect([status, shapeOf(body)]).toEqual([201, response('game')]);
    expect(body['owner']).toBe(body['master']);
  });

  it('of a list with more than one page', async () => {
    for (const _ of [1, 2]) await bob.join(idOf(await create(alice, 'session')), { anonymous: true });
    const page = await bob.ask('GET', '/v1/sessions?limit=1');
    expect(shapeOf(page.body)).toEqual(response('sessions'));
  });
});

describe('what comes by sessions and clients has the fields that docs/protocol.md shows', () => {
  it('in a session, from its first message to its end', async () => {
    const [carol] = (await Party.known(server, 'carol-tablet')) as [Party];
    const asked = JSON.parse(JSON.stringify(request('session-of-app')).replace('s-1', 's-2')) as Json;
    await app.create(asked);
    await app.join('s-2', { node_id: 'bob-phone' });
    const reading = await Talker.open(server, 'bob-phone', { clientId: 'bob' });
    const hidden = await Talker.open(server, 'carol-tablet');
    expect(await next(reading)).toMatchObject({ type: 100, src_id: 'bob-phone' });

    expect(await alice.send(sent('m-4'))).toBe('stored');
    const arrived = await next(reading);
    expect(shapeOf(arrived)).toEqual(frame('in-session'));
    expect(arrived).toMatchObject({ ...sent('m-4'), src_id: 'alice-phone', src_client_id: 'alice' });

    expect(await hidden.ask({ dest_session_id: 's-2', payload: 'Coming' })).toMatchObject({ status: 'stored' });
    const veiled = await next(reading);
    expect(shapeOf(veiled)).toEqual(frame('from-anonymous'));
    expect(veiled).toMatchObject({ src_id: ALIAS });

    expect(await alice.send(sent('m-5'))).toBe('stored');
    const psst = await hidden.next(({ dest_id: to }) => to === ALIAS);
    expect(shapeOf(psst)).toEqual(frame('private'));

    expect(await alice.send({ ...sent('m-4'), id: 't', type: 12, payload: { typing: true }, transient: true })).toBe(
      'sent',
    );
    expect(shapeOf(await reading.next(({ transient }) => transient === true))).toEqual(frame('transient-in-session'));

    await carol.reveal('s-2');
    const revealed = await next(reading);
    expect(shapeOf(revealed)).toEqual(frame('revealed'));
    expect(revealed).toMatchObject({ type: 104, src_id: ALIAS, payload: { node_id: 'carol-tablet' } });
    expect(reading.heard.slice(0, -1).join()).not.toContain('carol');
    await carol.unjoin('s-2');
    const left = await next(reading);
    expect(shapeOf(left)).toEqual(frame('left'));
    expect(left).toMatchObject({ type: 103, src_id: 'carol-tablet' });
    await app.join('s-2', { node_id: 'carol-tablet', anonymous: true });
    expect(shapeOf(await next(reading))).toEqual(frame('joined'));

    const page = await alice.messages('s-2', '?after=1&limit=2');
    expect(shapeOf(page.body)).toEqual(response('session-messages'));
    const [, second] = (parsed('response', 'session-messages') as { messages: Json[] }).messages;
    const { dest_session_id: _s1, timestamp: _then, ...shownSecond } = second as Json;
    expect((page.body['messages'] as Json[])[1]).toMatchObject(shownSecond);

    await app.end('s-2');
    const ended = await next(reading);
    expect(shapeOf(ended)).toEqual(frame('ended'));
    expect(ended).toMatchObject({ type: 105, src_id: 'backend' });
  });

  it('by a client, and one report for each of its nodes', async () => {
    const sending = await Talker.open(server, 'alice-phone', { clientId: 'alice' });
    const nodes = ['bob-phone', 'bob-laptop'];
    const readers = await Promise.all(nodes.map((nodeId) => Talker.open(server, nodeId, { clientId: 'bob' })));
    expect(await sending.ask(shownFrame('m-3'))).toMatchObject({ status: 'stored' });
    for (const reader of readers) {
      const arrived = await reader.next(({ dest_client_id: id }) => id === 'bob');
      expect(shapeOf(arrived)).toEqual(frame('to-client'));
      reader.ack(Number(arrived['seq']));
    }
    for (const nodeId of nodes) {
      const report = await sending.next(({ status, dest_id: by }) => status === 'delivered' && by === nodeId);
      expect(report).toMatchObject({ id: 'm-3' });
    }
    const page = await bob.ask('GET', '/v1/clients/bob/messages?after=2');
    expect(shapeOf(page.body)).toEqual(response('client-messages'));
    // A newer key of a node is an entry of its own, which nobody is shown: the places are not those of the document.
    const { messages } = parsed('response', 'client-messages') as { messages: Json[] };
    const { timestamp: _then, session_seq: _place, ...only } = messages[0] as Json;
    expect(page.body).toMatchObject({ complete: true, messages: [only] });
  });

  it('by refusals, to the letter', async () => {
    const id = idOf(await create(alice, 'session'));
    const game = await alice.create({ type: 'game', anyone_can_join: true });
    for (const session of [id, game]) await bob.join(session);
    await bobsLaptop.join(game);
    const talker = await Talker.open(server, 'bob-phone', { clientId: 'bob' });
    const finals = examples('server').filter(({ words }) => words[2] === 'error-final');
    const [, forbidden, noMaster] = finals.map(({ text }) => JSON.parse(text) as Frame);
    const toNobody = { dest_session_id: id, dest_id: 'carol-tablet', id: 'm-6' };
    expect(await talker.ask(toNobody)).toEqual(parsed('server', 'member-unknown'));
    expect(await talker.ask({ dest_session_id: game, dest_id: 'bob-laptop', id: 'm-7' })).toEqual(forbidden);
    await alice.unjoin(game);
    expect(await talker.ask({ dest_session_id: game, id: 'm-8' })).toEqual(noMaster);
    expect(await talker.ask({ dest_session_id: 's-1', id: 'm-4' })).toEqual(parsed('server', 'session-denied'));
  });
});

describe('a gap', () => {
  let small: TestServer;
  beforeAll(async () => {
    small = await TestServer.start({ SEAT_MAX_MESSAGES: '3' });
  });
  afterAll(() => small.stop());

  it('is filled by the steps that docs/protocol.md tells', async () => {
    const [ann, ben] = (await Party.known(small, 'ann', 'ben')) as [Party, Party];
    const id = await ann.create({ anyone_can_join: true });
    await ben.join(id);
    const say = (payload: number): Promise<string> => ann.send({ dest_session_id: id, payload });
    for (const payload of [1, 2, 3, 4]) await say(payload);
    const away = await Talker.open(small, 'ben');
    const entries = await away.nextEntries(4);
    const gap = entries[3] as { seq: number; from_session_seq: number };
    expect(shapeOf(gap)).toEqual(frame('gap'));
    expect(gap).toMatchObject({ dest_session_id: id, from_session_seq: 5 });

    const first = await ben.messages(id, `?after=${gap.from_session_seq - 1}`);
    expect([numbers(first.body['messages'] as Json[]), first.body['complete']]).toEqual([[5, 6], true]);
    await say(5);
    expect(await ben.done('POST', '/v1/inbox/ack', { seq: gap.seq })).toEqual({ acked_seq: gap.seq });
    const second = await ben.messages(id, '?after=6');
    expect(numbers(second.body['messages'] as Json[])).toEqual([7]);
    await say(6);
    expect(await away.nextEntries(1)).toMatchObject([{ seq: gap.seq + 1, session_seq: 8, payload: 6 }]);
  });

  it('of a client names the client', async () => {
    const cleo = new Party(small, 'cleo-phone', { clientId: 'cleo' });
    await cleo.ask('GET', '/v1/sessions');
    const [ann] = (await Party.known(small, 'ann')) as [Party];
    for (const payload of [1, 2, 3, 4]) await ann.send({ dest_client_id: 'cleo', payload });
    const away = await Talker.open(small, 'cleo-phone', { clientId: 'cleo' });
    const entries = await away.nextEntries(4);
    expect(shapeOf(entries[3])).toEqual(frame('gap-of-client'));
  });
});
