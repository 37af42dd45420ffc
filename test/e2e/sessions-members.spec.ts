import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Member, Party } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

const MEMBERS = 450;
const PAGE = 200;

let server: TestServer;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  app = Party.app(server);
});
afterAll(() => server.stop());

async function pages(party: Party, id: string): Promise<Member[][]> {
  const read: Member[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = cursor === '' ? '' : `?members_cursor=${encodeURIComponent(cursor)}`;
    const { body } = await party.view(id, query);
    read.push(body['members'] as Member[]);
    cursor = body['next_members_cursor'] as string | null;
  }
  return read;
}

it('members come sorted by what they are known by, 200 a page, each once', async () => {
  const members = Array.from({ length: MEMBERS }, (_, index) => ({
    node_id: `n-${(index * 7) % MEMBERS}`,
    ...(index % 3 === 0 && { anonymous: true }),
  }));
  const id = await app.create({ members });
  for (const party of [app, new Party(server, 'n-7')]) {
    const read = await pages(party, id);
    expect(read.map(({ length }) => length)).toEqual([PAGE, PAGE, MEMBERS - 2 * PAGE]);
    const names = read.flat().map(({ alias, node_id: nodeId }) => alias ?? nodeId ?? '');
    expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(names).size).toBe(MEMBERS);
    expect(read.flat().filter(({ anonymous }) => anonymous)).toHaveLength(MEMBERS / 3);
  }
});

it('a page may end with the last member, and a cursor of one that left holds', async () => {
  const members = Array.from({ length: PAGE + 1 }, (_, index) => ({ node_id: `m-${1_000 + index}` }));
  const id = await app.create({ members });
  const { body } = await app.view(id);
  const cursor = body['next_members_cursor'] as string;
  await app.unjoin(id, { node_id: cursor });
  expect((await app.view(id, `?members_cursor=${cursor}`)).body).toMatchObject({
    members: [{ node_id: 'm-1200' }],
    next_members_cursor: null,
  });
  expect((await app.view(id)).body).toMatchObject({ next_members_cursor: null });
});
