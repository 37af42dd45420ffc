import { afterAll, beforeAll, expect, it } from 'vitest';
import { Party } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let owner: Party;
let master: Party;
let player: Party;
let other: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  [owner, master, player, other] = (await Party.known(server, 'owner', 'master', 'player', 'other')) as [
    Party,
    Party,
    Party,
    Party,
  ];
  app = Party.app(server);
});
afterAll(() => server.stop());

async function game(): Promise<string> {
  const id = await owner.create({ type: 'game', master_node_id: 'master', anyone_can_join: true });
  await player.join(id);
  await other.join(id);
  return id;
}

/** What was said, without what happened. */
const said = async (party: Party, id: string): Promise<unknown[]> =>
  (await party.read(id)).filter((each) => !String(each).startsWith('1'));

it('what a player says reaches the master only, what the master says all', async () => {
  const id = await game();
  expect(await player.send({ dest_session_id: id, payload: 'move' })).toBe('stored');
  expect(await owner.send({ dest_session_id: id, payload: 'mine' })).toBe('stored');
  expect(await master.send({ dest_session_id: id, payload: 'all' })).toBe('stored');
  expect(await said(master, id)).toEqual(['move', 'mine', 'all']);
  expect(await said(player, id)).toEqual(['move', 'all']);
  expect(await said(owner, id)).toEqual(['mine', 'all']);
  expect(await said(other, id)).toEqual(['all']);
  expect(await said(app, id)).toEqual(['move', 'mine', 'all']);
});

it('players write to the master and it to them in private, and not to each other', async () => {
  const id = await game();
  expect(await player.send({ dest_session_id: id, dest_id: 'master', payload: 'to you' })).toBe('stored');
  expect(await master.send({ dest_session_id: id, dest_id: 'player', payload: 'back' })).toBe('stored');
  expect(await player.send({ dest_session_id: id, dest_id: 'other' })).toBe('forbidden');
  expect(await player.send({ dest_session_id: id, dest_id: 'nobody' })).toBe('member_unknown');
  expect(await said(player, id)).toEqual(['to you', 'back']);
  expect(await said(other, id)).toEqual([]);
});

it('an app reaches all', async () => {
  const id = await game();
  expect(await app.send({ dest_session_id: id, payload: 'news' })).toBe('stored');
  for (const party of [owner, master, player, other]) expect(await said(party, id)).toEqual(['news']);
});

it('when the master leaves players are told that there is none, until it comes back', async () => {
  const id = await game();
  await master.unjoin(id);
  expect((await player.view(id)).body).toMatchObject({ owner: 'owner', master: null });
  expect(await player.send({ dest_session_id: id })).toBe('no_master');
  expect(await app.send({ dest_session_id: id, payload: 'wait' })).toBe('stored');
  await master.join(id);
  expect((await player.view(id)).body).toMatchObject({ master: 'master' });
  expect(await player.send({ dest_session_id: id, payload: 'again' })).toBe('stored');
  expect(await said(master, id)).toEqual(['again']);
});

it('who owns and leads is shown as master', async () => {
  const id = await owner.create({ type: 'game' });
  expect(await owner.members(id)).toEqual([{ node_id: 'owner', anonymous: false, role: 'master' }]);
  expect((await owner.join(id, { node_id: 'player' })).status).toBe(200);
  expect((await owner.end(id)).status).toBe(200);
});
