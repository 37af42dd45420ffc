import { afterAll, beforeAll, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/modules/inbox/index.js';
import { GroupsService } from '../../src/modules/sessions/index.js';
import { Party, type Reply, refusalIn } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let ann: Party;
let bob: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  await meet();
});
afterAll(() => server.stop());

async function meet(): Promise<void> {
  [ann, bob] = (await Party.known(server, 'ann', 'bob')) as [Party, Party];
  app = Party.app(server);
}

const create = (party: Party, key: string, body: object = {}): Promise<Reply> =>
  party.ask('POST', '/v1/sessions', body, { 'Idempotency-Key': key });
const listed = async (party: Party): Promise<unknown[]> =>
  (await party.done('GET', '/v1/sessions'))['sessions'] as unknown[];

it('the same call under the same key gets the very same answer and creates nothing again', async () => {
  const first = await create(ann, 'k-1', { metadata: { a: 1 }, anonymous: true });
  expect(first.status).toBe(201);
  expect((await create(ann, 'k-1', { anonymous: true, metadata: { a: 1 } })).whole).toBe(first.whole);
  expect(await listed(ann)).toHaveLength(1);
});

it('the same answer also when the session is another by now, or ended', async () => {
  const first = await create(ann, 'k-2', { anyone_can_join: true });
  const id = first.body['session_id'] as string;
  await bob.join(id);
  expect((await create(ann, 'k-2', { anyone_can_join: true })).whole).toBe(first.whole);
  await ann.end(id);
  expect((await create(ann, 'k-2', { anyone_can_join: true })).whole).toBe(first.whole);
  expect((await ann.view(id)).status).toBe(403);
});

it('another body under the same key is a conflict, and another node has keys of its own', async () => {
  const first = await create(ann, 'k-3', { type: 'game' });
  expect(refusalIn(await create(ann, 'k-3', { type: 'normal' }))).toBe('409 id_conflict idempotency-key');
  const other = await create(bob, 'k-3', { type: 'normal' });
  expect(other.status).toBe(201);
  expect(other.body['session_id']).not.toBe(first.body['session_id']);
});

it('asked many times at once it is one session', async () => {
  const before = (await listed(bob)).length;
  const replies = await Promise.all(Array.from({ length: 20 }, () => create(bob, 'k-4')));
  expect(new Set(replies.map(({ whole }) => whole)).size).toBe(1);
  expect(replies[0]?.status).toBe(201);
  expect(await listed(bob)).toHaveLength(before + 1);
});

it('an id of its own that was taken before is refused every time; one that it took itself is answered', async () => {
  await app.create({ session_id: 'taken' });
  for (const _ of [1, 2])
    expect(refusalIn(await create(app, 'k-5', { session_id: 'taken' }))).toBe('409 session_exists session_id');
  const first = await create(app, 'k-6', { session_id: 'free', members: [{ node_id: 'ann' }] });
  expect((await create(app, 'k-6', { session_id: 'free', members: [{ node_id: 'ann' }] })).whole).toBe(first.whole);
  expect(refusalIn(await create(app, 'k-7', { session_id: 'free' }))).toBe('409 session_exists session_id');
});

it('what is refused before anything happened uses up no key', async () => {
  expect(refusalIn(await create(ann, 'k-8', { type: 'game', master_node_id: 'nobody' }))).toBe('404 node_unknown');
  expect((await create(ann, 'k-8', { type: 'game', master_node_id: 'bob' })).status).toBe(201);
});

it('a first attempt that died after it took the key is carried on by the next, after a restart too', async () => {
  const groups = server.running.app.get(GroupsService, { strict: false });
  groups.happen = () => Promise.reject(new StoreUnavailable('away'));
  expect((await create(ann, 'k-9', { metadata: { tried: true } })).status).toBe(503);
  expect(refusalIn(await create(ann, 'k-9'))).toBe('409 id_conflict idempotency-key');
  server = await server.restart();
  await meet();
  const first = await create(ann, 'k-9', { metadata: { tried: true } });
  expect(first.status).toBe(201);
  expect((await create(ann, 'k-9', { metadata: { tried: true } })).whole).toBe(first.whole);
});
