import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Json, Party } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let ann: Party;
let bob: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  [ann, bob] = (await Party.known(server, 'ann', 'bob')) as [Party, Party];
  app = Party.app(server);
});
afterAll(() => server.stop());

async function walk(party: Party, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await party.done('GET', `/v1/sessions?limit=${limit}${from}`);
    pages.push((page['sessions'] as Json[]).map((session) => session['session_id'] as string));
    cursor = page['next_cursor'] as string | null;
  }
  return pages;
}

it('lists those that one is a member of, page by page, and no other', async () => {
  const ids = await Promise.all([1, 2, 3, 4, 5].map(() => ann.create({ anyone_can_join: true })));
  await bob.create();
  for (const id of ids.slice(0, 4)) await bob.join(id);
  await bob.unjoin(ids[0]!);
  await app.unjoin(ids[1]!, { node_id: 'bob' });
  await bob.end(ids[2]!);
  await ann.end(ids[2]!);
  const left = ids.toSpliced(2, 1).toSorted();
  expect(await walk(ann, 4)).toEqual([left]);
  expect(await walk(ann, 3)).toEqual([left.slice(0, 3), left.slice(3)]);
  expect(await walk(ann, 1)).toEqual(left.map((id) => [id]));
  expect((await walk(bob, 10)).flat()).toHaveLength(2);
  expect((await walk(bob, 10)).flat()).toContain(ids[3]);
});

it('shows each as its caller may see it, without the members', async () => {
  // Too long a name to stand in a random id by chance.
  const [hidden, carol] = (await Party.known(server, 'hidden-owner', 'carol')) as [Party, Party];
  const id = await hidden.create({ anyone_can_join: true, anonymous: true, metadata: { title: 'Tea' } });
  await carol.join(id);
  const { sessions } = await carol.done('GET', '/v1/sessions');
  const { members: _members, next_members_cursor: _cursor, ...rest } = (await carol.view(id)).body;
  expect(sessions).toEqual([rest]);
  expect(JSON.stringify(sessions)).not.toContain('hidden-owner');
});

it('is empty for a backend, though it owns sessions', async () => {
  await app.create();
  expect(await app.done('GET', '/v1/sessions')).toEqual({ sessions: [], next_cursor: null });
});
