import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, Party } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let ann: Party;
let bob: Party;
let carol: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start({ PAGE_REST_BYTES: String(128 * 1024) });
  [ann, bob, carol] = (await Party.known(server, 'ann', 'bob', 'carol')) as [Party, Party, Party];
  app = Party.app(server);
});
afterAll(() => server.stop());

/** Bob is there for 2 and for 4, not for 1, 3 and 5. */
async function comingAndGoing(history: string): Promise<string> {
  const id = await ann.create({ anyone_can_join: true, history });
  const say = (payload: number): Promise<string> => ann.send({ dest_session_id: id, payload });
  await say(1);
  await bob.join(id);
  await say(2);
  await bob.unjoin(id);
  await say(3);
  await bob.join(id);
  await say(4);
  return id;
}

const ALL = [1, '100 bob', 2, '103 bob', 3, '100 bob', 4];

describe('of a session a member reads', () => {
  it('what its stays cover: from each join to the leave, events included', async () => {
    const id = await comingAndGoing('joined');
    expect(await ann.read(id)).toEqual(ALL);
    expect(await bob.read(id)).toEqual(['100 bob', 2, '103 bob', '100 bob', 4]);
  });

  it('everything where the history is for all', async () => {
    expect(await bob.read(await comingAndGoing('all'))).toEqual(ALL);
  });

  it('nothing while it is no member, and the same as before when it is again', async () => {
    const id = await comingAndGoing('joined');
    await bob.unjoin(id);
    expect((await bob.messages(id)).status).toBe(403);
    await bob.join(id);
    expect(await bob.read(id)).toEqual(['100 bob', 2, '103 bob', '100 bob', 4, '103 bob', '100 bob']);
  });

  it('the same after the server started again', async () => {
    const id = await comingAndGoing('joined');
    const before = await bob.read(id);
    server = await server.restart();
    [ann, bob, carol] = (await Party.known(server, 'ann', 'bob', 'carol')) as [Party, Party, Party];
    app = Party.app(server);
    expect(await bob.read(id)).toEqual(before);
  });

  it('a private message only when it is for or from itself', async () => {
    const id = await ann.create({ anyone_can_join: true, history: 'all' });
    await bob.join(id);
    expect(await ann.send({ dest_session_id: id, dest_id: 'bob', payload: 'secret' })).toBe('stored');
    await carol.join(id);
    expect(await bob.read(id)).toContain('secret');
    expect(await ann.read(id)).toContain('secret');
    expect(await carol.read(id)).not.toContain('secret');
    expect(await app.read(id)).not.toContain('secret');
  });

  it('its own messages, and those of an app that is no member', async () => {
    const id = await ann.create();
    await ann.send({ dest_session_id: id, payload: 'mine' });
    await app.send({ dest_session_id: id, payload: 'theirs' });
    expect((await ann.messages(id)).body['messages']).toMatchObject([
      { src_id: 'ann', payload: 'mine' },
      { src_id: 'backend', payload: 'theirs' },
    ]);
  });

  it('no transient message', async () => {
    const id = await ann.create();
    expect(await ann.send({ dest_session_id: id, transient: true, payload: 'now' })).toBe('sent');
    expect(await ann.read(id)).toEqual([]);
  });
});

describe('a page', () => {
  it.each([
    ['', [1, '100 bob', 2, '103 bob', 3, '100 bob', 4], true],
    ['?after=3', [2, '103 bob', 3, '100 bob', 4], true],
    ['?after=3&before=5', [2], true],
    ['?after=3&limit=2', [2, '103 bob'], false],
    ['?before=4', [1, '100 bob'], true],
    ['?before=7&limit=2', ['103 bob', 3], false],
    ['?limit=7', [1, '100 bob', 2, '103 bob', 3, '100 bob', 4], true],
    ['?after=8', [], true],
    ['?after=800', [], true],
    ['?after=5&before=3', [], true],
  ])('is bounded by session_seq, exclusive and ascending: %s', async (query, expected, complete) => {
    const id = await comingAndGoing('joined');
    expect(await ann.read(id, query)).toEqual(expected);
    expect((await ann.messages(id, query)).body).toMatchObject({ complete, tail: 8 });
  });

  it('is complete when only what one may not read lies behind it', async () => {
    const id = await ann.create({ anyone_can_join: true });
    await bob.join(id);
    await carol.join(id);
    await ann.send({ dest_session_id: id, payload: 'last' });
    await ann.send({ dest_session_id: id, dest_id: 'bob', payload: 'secret' });
    expect(await carol.read(id, '?limit=2')).toEqual(['100 carol', 'last']);
    expect((await carol.messages(id, '?limit=2')).body).toMatchObject({ complete: true });
    expect((await bob.messages(id, '?after=2&limit=2')).body).toMatchObject({ complete: false });
  });

  it('ends before it is too big, and the next one goes on', async () => {
    const id = await ann.create();
    const payload = 'x'.repeat(30 * 1024);
    for (let index = 0; index < 10; index += 1) await ann.send({ dest_session_id: id, payload });
    const sizes: number[] = [];
    for (let after = 0, complete = false; !complete;) {
      const { body } = await ann.messages(id, `?after=${after}`);
      const entries = body['messages'] as Json[];
      sizes.push(entries.length);
      after = entries.at(-1)?.['session_seq'] as number;
      complete = body['complete'] as boolean;
    }
    expect(sizes).toEqual([4, 4, 2]);
  });
});
