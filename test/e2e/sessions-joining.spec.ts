import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Party, refusalIn } from '../support/party.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let owner: Party;
let bob: Party;
let carol: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  [owner, bob, carol] = (await Party.known(server, 'owner', 'bob', 'carol')) as [Party, Party, Party];
  app = Party.app(server);
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

it('anybody joins by itself where anyone can, and nobody where not', async () => {
  const open = await owner.create({ anyone_can_join: true });
  const { status, body } = await bob.join(open);
  expect(status).toBe(200);
  expect(body).toEqual({ session_id: open, member: { node_id: 'bob', anonymous: false, role: 'member' } });
  const closed = await owner.create();
  expect(refusalIn(await bob.join(closed))).toBe('403 session_denied');
});

it('the owner adds known nodes, a member nobody, an app everybody', async () => {
  const id = await owner.create();
  expect((await owner.join(id, { node_id: 'bob' })).body).toMatchObject({ member: { node_id: 'bob' } });
  expect(refusalIn(await owner.join(id, { node_id: 'nobody' }))).toBe('404 node_unknown');
  expect(refusalIn(await bob.join(id, { node_id: 'carol' }))).toBe('403 forbidden');
  expect(refusalIn(await bob.join(id, { node_id: 'nobody' }))).toBe('403 forbidden');
  expect((await app.join(id, { node_id: 'seen-by-nobody' })).status).toBe(200);
  expect((await owner.members(id)).map((member) => member.node_id)).toEqual(['bob', 'owner', 'seen-by-nobody']);
});

it('an app joins by itself like anybody else, open or not', async () => {
  const id = await owner.create();
  expect((await app.join(id)).body).toMatchObject({ member: { node_id: 'backend', role: 'member' } });
  expect((await app.view(id)).body).toMatchObject({ you: { node_id: 'backend' } });
});

it('a second join answers the same, changes nothing and announces nothing', async () => {
  const id = await owner.create({ anyone_can_join: true });
  const first = await bob.join(id);
  const again = [await bob.join(id), await bob.join(id, { anonymous: true }), await owner.join(id, { node_id: 'bob' })];
  for (const reply of again) expect(reply.whole).toBe(first.whole);
  expect(await owner.read(id)).toEqual(['100 bob']);
});

it('a join is told to all members, the new one included, in its place among the messages', async () => {
  const id = await owner.create({ anyone_can_join: true });
  const talkers = await Promise.all(['owner', 'carol'].map((nodeId) => Talker.open(server, nodeId)));
  await owner.send({ dest_session_id: id, payload: 'before' });
  await carol.join(id);
  await owner.send({ dest_session_id: id, payload: 'after' });
  const joined = { type: 100, src_id: 'carol', dest_session_id: id, session_seq: 3 };
  const isHere = (frame: Record<string, unknown>): boolean => frame['dest_session_id'] === id;
  expect(await talkers[0]!.next(isHere)).toMatchObject(joined);
  expect(await talkers[1]!.next(isHere)).toMatchObject(joined);
  expect(await talkers[1]!.next(isHere)).toMatchObject({ session_seq: 4, payload: 'after' });
});

it('who left may come again where anyone can join, and the owner may take it back where not', async () => {
  for (const open of [true, false]) {
    const id = await owner.create({ anyone_can_join: open });
    await owner.join(id, { node_id: 'bob' });
    await bob.unjoin(id);
    expect((await bob.join(id)).status).toBe(open ? 200 : 403);
    expect((await owner.join(id, { node_id: 'bob' })).status).toBe(200);
    expect((await bob.view(id)).status).toBe(200);
  }
});
