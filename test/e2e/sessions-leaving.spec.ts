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

async function sessionOfThree(): Promise<string> {
  const id = await owner.create({ anyone_can_join: true });
  await bob.join(id);
  await carol.join(id);
  return id;
}

const names = async (party: Party, id: string): Promise<unknown[]> =>
  (await party.members(id)).map((member) => member.node_id ?? member.alias);

it('a member leaves by itself, and is no member from then on', async () => {
  const id = await sessionOfThree();
  expect((await bob.unjoin(id)).body).toEqual({ session_id: id });
  expect((await bob.view(id)).status).toBe(403);
  expect(refusalIn(await bob.unjoin(id))).toBe('403 session_denied');
  expect(await bob.send({ dest_session_id: id })).toBe('session_denied');
  expect(await names(owner, id)).toEqual(['carol', 'owner']);
});

it('the owner and an app take others out, a member nobody', async () => {
  const id = await sessionOfThree();
  expect(refusalIn(await bob.unjoin(id, { node_id: 'carol' }))).toBe('403 forbidden');
  expect(refusalIn(await bob.unjoin(id, { node_id: 'nobody' }))).toBe('403 forbidden');
  expect((await owner.unjoin(id, { node_id: 'carol' })).status).toBe(200);
  expect((await app.unjoin(id, { node_id: 'bob' })).status).toBe(200);
  expect(await names(owner, id)).toEqual(['owner']);
  expect(refusalIn(await owner.unjoin(id, { node_id: 'carol' }))).toBe('404 member_unknown node_id');
  expect(refusalIn(await app.unjoin(id))).toBe('404 member_unknown node_id');
});

it('a leave is told to all, and to the one that left as its last', async () => {
  const id = await sessionOfThree();
  const isHere = ({ type, dest_session_id: of }: Record<string, unknown>): boolean => type !== 100 && of === id;
  const talkers = await Promise.all(['owner', 'bob', 'carol'].map((nodeId) => Talker.open(server, nodeId)));
  await owner.unjoin(id, { node_id: 'bob' });
  await owner.send({ dest_session_id: id, payload: 'without you' });
  for (const talker of talkers) expect(await talker.next(isHere)).toMatchObject({ type: 103, src_id: 'bob' });
  expect(await talkers[2]!.next(isHere)).toMatchObject({ payload: 'without you' });
  await owner.send({ dest_id: 'bob', payload: 'behind it' });
  expect(await talkers[1]!.next((frame) => frame['type'] === 0)).toMatchObject({ payload: 'behind it' });
});

it('when the owner leaves there is none, and only an app administers, even when it comes back', async () => {
  const id = await sessionOfThree();
  await owner.unjoin(id);
  expect((await bob.view(id)).body).toMatchObject({ owner: null, members: [{ role: 'member' }, { role: 'member' }] });
  await owner.join(id);
  expect((await owner.view(id)).body).toMatchObject({ owner: null });
  for (const party of [owner, bob]) {
    expect(refusalIn(await party.join(id, { node_id: 'carol' }))).toBe('403 forbidden');
    expect(refusalIn(await party.unjoin(id, { node_id: 'carol' }))).toBe('403 forbidden');
    expect(refusalIn(await party.end(id))).toBe('403 forbidden');
  }
  expect((await app.unjoin(id, { node_id: 'carol' })).status).toBe(200);
  expect((await app.end(id)).status).toBe(200);
});
