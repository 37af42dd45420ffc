import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Party, refusalIn } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let ann: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start({ SESSION_MAX_MEMBERS: '3' });
  [ann] = (await Party.known(server, 'ann', 'bob', 'carol', 'dave')) as [Party];
  app = Party.app(server);
});
afterAll(() => server.stop());

const ID = /^s[A-Za-z0-9_-]{22}$/;
const ALIAS = /^~[A-Za-z0-9_-]{22}$/;
const create = (party: Party, body?: object): ReturnType<Party['ask']> => party.ask('POST', '/v1/sessions', body);

describe('a node that creates a session', () => {
  it('is its owner and first member, and everything else has its default', async () => {
    const before = Date.now();
    const { status, body } = await create(ann);
    expect(status).toBe(201);
    expect(body).toEqual({
      session_id: expect.stringMatching(ID),
      type: 'normal',
      owner: 'ann',
      master: null,
      anyone_can_join: false,
      notify_limit: 0,
      history: 'joined',
      created_at: expect.any(Number),
      metadata: {},
      members: [{ node_id: 'ann', anonymous: false, role: 'owner' }],
      next_members_cursor: null,
      you: { node_id: 'ann' },
    });
    expect(body['created_at']).toBeGreaterThanOrEqual(before);
    expect((await ann.view(body['session_id'] as string)).body).toEqual(body);
  });

  it('gets what it asked for', async () => {
    const asked = { anyone_can_join: true, notify_limit: 5, history: 'all', metadata: { title: 'Tea', n: [1, null] } };
    expect((await create(ann, asked)).body).toMatchObject(asked);
  });

  it('may be an anonymous member of it, and is known by an alias then', async () => {
    const { body } = await create(ann, { anonymous: true });
    const { alias } = body['you'] as { alias: string };
    expect(alias).toMatch(ALIAS);
    expect(body).toMatchObject({
      owner: alias,
      members: [{ alias, anonymous: true, role: 'owner' }],
      you: { node_id: 'ann', alias },
    });
    expect(body['members']).not.toMatchObject([{ node_id: 'ann' }]);
  });

  it('announces nothing', async () => {
    expect(await ann.read(await ann.create())).toEqual([]);
  });
});

describe('an app that creates a session', () => {
  it('is its owner and no member, chooses its id and its members, and sees alias and node of each', async () => {
    const members = [
      { node_id: 'bob' },
      { node_id: 'carol', anonymous: true },
      { node_id: 'dave', alias: '~the-third' },
    ];
    const { status, body } = await create(app, { session_id: 'chosen', members });
    expect(status).toBe(201);
    expect(body).toMatchObject({ session_id: 'chosen', owner: 'backend', you: null });
    expect(body['members']).toEqual(
      expect.arrayContaining([
        { node_id: 'bob', anonymous: false, role: 'member' },
        { node_id: 'carol', alias: expect.stringMatching(ALIAS), anonymous: true, role: 'member' },
        { node_id: 'dave', alias: '~the-third', anonymous: true, role: 'member' },
      ]),
    );
  });

  it('may name nodes that nobody has seen, which are known from then on', async () => {
    await app.create({ members: [{ node_id: 'not-seen-yet' }] });
    expect(await ann.send({ dest_id: 'not-seen-yet' })).toBe('stored');
  });

  it('takes no id that was ever used', async () => {
    await app.create({ session_id: 'once' });
    await app.end('once');
    expect(refusalIn(await create(app, { session_id: 'once' }))).toBe('409 session_exists session_id');
  });
});

describe('a game', () => {
  it('has its creator as master, or a known node that it names and that becomes a member', async () => {
    expect((await create(ann, { type: 'game' })).body).toMatchObject({
      type: 'game',
      owner: 'ann',
      master: 'ann',
      members: [{ node_id: 'ann', role: 'master' }],
    });
    expect((await create(ann, { type: 'game', master_node_id: 'bob' })).body).toMatchObject({
      owner: 'ann',
      master: 'bob',
      members: [
        { node_id: 'ann', role: 'owner' },
        { node_id: 'bob', role: 'master' },
      ],
    });
    const unknown = await create(ann, { type: 'game', master_node_id: 'nobody' });
    expect(refusalIn(unknown)).toBe('404 node_unknown');
  });

  it('of an app has the master that the app has to name', async () => {
    expect(refusalIn(await create(app, { type: 'game' }))).toBe('400 invalid_field master_node_id');
    expect((await create(app, { type: 'game', master_node_id: 'bob' })).body).toMatchObject({
      owner: 'backend',
      master: 'bob',
      members: [{ node_id: 'bob', role: 'master' }],
    });
  });
});

describe('the number of members', () => {
  const threeNodes = [{ node_id: 'a' }, { node_id: 'b' }, { node_id: 'c' }];

  it('has a limit, at creation and afterwards', async () => {
    const tooMany = [...threeNodes, { node_id: 'd' }];
    expect(refusalIn(await create(app, { members: tooMany }))).toBe('409 too_many_members');
    const id = await app.create({ members: threeNodes, anyone_can_join: true });
    expect(refusalIn(await ann.join(id))).toBe('409 too_many_members');
    expect(refusalIn(await app.join(id, { node_id: 'd' }))).toBe('409 too_many_members');
    expect((await app.join(id, { node_id: 'a' })).status).toBe(200);
  });

  it('has room again for whom another one left', async () => {
    const id = await app.create({ members: threeNodes, anyone_can_join: true });
    await app.unjoin(id, { node_id: 'b' });
    expect((await ann.join(id)).status).toBe(200);
  });
});
