import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const unknown = (srcId: string, id: string) => ({
  type: -3,
  src_id: srcId,
  id,
  code: 'node_unknown',
  reason: expect.any(String),
});
const denied = (sessionId: string, id: string) => ({
  type: -5,
  dest_session_id: sessionId,
  id,
  code: 'session_denied',
  reason: expect.any(String),
});

async function byRest(nodeId: string, messages: readonly Frame[], role?: 'app'): Promise<Frame[]> {
  const answer = await server.json(nodeId, '/v1/messages', { messages }, role && { role });
  return (answer as { results: Frame[] }).results;
}

describe('a node that nobody has seen', () => {
  it.each([false, true])('is answered by -3, transient: %s', async (transient) => {
    const alice = await Talker.open(server, 'alice');
    const id = `u${transient}`;
    expect(await alice.ask({ dest_id: 'ghost', id, transient })).toEqual(unknown('ghost', id));
    expect(await byRest('alice', [{ dest_id: 'ghost', id, transient }])).toMatchObject([
      { id, status: 'refused', code: 'node_unknown' },
    ]);
  });

  it('is known once a valid key of it made any call', async () => {
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ dest_id: 'new', id: 'n' })).toEqual(unknown('new', 'n'));
    await server.json('new', '/v1/pre-connections', {});
    expect(await alice.ask({ dest_id: 'new', id: 'n' })).toMatchObject({ status: 'stored' });
  });

  it('is known once an app named it', async () => {
    expect(await byRest('backend', [{ dest_id: 'promised', payload: 1 }], 'app')).toMatchObject([{ status: 'stored' }]);
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ dest_id: 'promised', payload: 2 })).toMatchObject({ status: 'stored' });
    const promised = await Talker.open(server, 'promised');
    expect(await promised.nextEntries(2)).toMatchObject([
      { src_id: 'backend', payload: 1 },
      { src_id: 'alice', payload: 2 },
    ]);
  });

  it('holds up nothing behind it', async () => {
    await server.json('bob', '/v1/inbox');
    const alice = await Talker.open(server, 'alice');
    alice.send({ dest_id: 'ghost', id: 'g1' });
    alice.send({ dest_id: 'bob', id: 'b1' });
    alice.send({ dest_id: 'ghost', id: 'g2' });
    expect(await alice.answerTo('b1')).toMatchObject({ status: 'stored' });
    expect(await alice.answerTo('g2')).toEqual(unknown('ghost', 'g2'));
  });

  it('may be addressed where the settings say so, and is known from then on', async () => {
    const lenient = await TestServer.start({ ALLOW_UNKNOWN_DESTINATIONS: 'on' });
    const alice = await Talker.open(lenient, 'alice');
    expect(await alice.ask({ dest_id: 'ghost', payload: 'boo' })).toMatchObject({ status: 'stored' });
    const ghost = await Talker.open(lenient, 'ghost');
    expect(await ghost.nextEntries(1)).toMatchObject([{ payload: 'boo' }]);
    await lenient.stop();
  });
});

describe('a session that one is not in', () => {
  it.each([
    ['a message', {}],
    ['a transient message', { transient: true }],
    ['a private message', { dest_id: '~alias' }],
  ])('is answered by -5: %s', async (_what, extra) => {
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ dest_session_id: 'secret', id: 's', ...extra })).toEqual(denied('secret', 's'));
    expect(await byRest('alice', [{ dest_session_id: 'secret', id: 's', ...extra }])).toMatchObject([
      { id: 's', status: 'refused', code: 'session_denied' },
    ]);
  });
});

it('a client that is not known is answered by -3 with its id', async () => {
  const alice = await Talker.open(server, 'alice');
  expect(await alice.ask({ dest_client_id: 'nobody', id: 'c' })).toEqual(unknown('nobody', 'c'));
});
