import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Party, refusalIn } from '../support/party.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let owner: Party;
let bob: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  [owner, bob] = (await Party.known(server, 'owner', 'bob')) as [Party, Party];
  app = Party.app(server);
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const listed = async (party: Party): Promise<unknown[]> =>
  (await party.done('GET', '/v1/sessions'))['sessions'] as unknown[];

it('the owner and an app end a session, a member does not', async () => {
  const id = await owner.create({ anyone_can_join: true });
  await bob.join(id);
  expect(refusalIn(await bob.end(id))).toBe('403 forbidden');
  const { status, body } = await owner.end(id);
  expect([status, body]).toEqual([200, { session_id: id }]);
  expect((await app.end(await owner.create())).status).toBe(200);
});

it('the end is told to all members, and nothing comes after it', async () => {
  const id = await owner.create({ anyone_can_join: true });
  await bob.join(id);
  const talkers = await Promise.all(['owner', 'bob'].map((nodeId) => Talker.open(server, nodeId)));
  await owner.end(id);
  const isEnd = ({ type, dest_session_id: of }: Record<string, unknown>): boolean => type === 105 && of === id;
  for (const talker of talkers) expect(await talker.next(isEnd)).toMatchObject({ src_id: 'owner', session_seq: 3 });
  expect(await owner.send({ dest_session_id: id })).toBe('session_denied');
});

it('of a session that ended nothing is left to see, to join or to end', async () => {
  const id = await owner.create({ anyone_can_join: true });
  await bob.join(id);
  await owner.end(id);
  for (const party of [owner, bob]) {
    expect((await party.view(id)).status).toBe(403);
    expect((await party.messages(id)).status).toBe(403);
    expect((await party.join(id)).status).toBe(403);
    expect((await party.end(id)).status).toBe(403);
    expect(await listed(party)).toEqual([]);
  }
  expect(refusalIn(await app.join(id, { node_id: 'bob' }))).toBe('404 session_unknown');
});
