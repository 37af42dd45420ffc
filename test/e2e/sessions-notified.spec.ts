import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Party } from '../support/party.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let ann: Party;
let bob: Party;
let carol: Party;
beforeAll(async () => {
  server = await TestServer.start({ SESSION_EVENTS_MEMBERS: '2' });
  [ann, bob, carol] = (await Party.known(server, 'ann', 'bob', 'carol')) as [Party, Party, Party];
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

/** What comes of a session until a last message to the node itself. */
async function heard(nodeId: string, id: string): Promise<unknown[]> {
  const talker = await Talker.open(server, nodeId);
  await ann.send({ dest_id: nodeId, payload: `end of ${id}` });
  const frames: Frame[] = [];
  for (;;) {
    const frame = await talker.next(({ seq }) => seq !== undefined);
    if (frame['payload'] === `end of ${id}`) break;
    if (frame['dest_session_id'] === id) frames.push(frame);
  }
  talker.ack(Number(talker.entries.at(-1)?.['seq']));
  await talker.close();
  return frames.map(({ type, payload, src_id: from }) => (type === 0 ? payload : `${String(type)} ${String(from)}`));
}

async function sessionOf(body: object, ...parties: Party[]): Promise<string> {
  const id = await ann.create({ anyone_can_join: true, history: 'all', ...body });
  for (const party of parties) await party.join(id);
  return id;
}

it('messages go to the newest members only, private ones in any case, and the others read them', async () => {
  const id = await sessionOf({ notify_limit: 1 }, bob, carol);
  await ann.send({ dest_session_id: id, payload: 'to the newest' });
  await ann.send({ dest_session_id: id, dest_id: 'bob', payload: 'to bob' });
  // The last of all says that what was sent before is there.
  await ann.send({ dest_session_id: id, dest_id: 'carol', payload: 'to carol' });
  const talker = await Talker.open(server, 'carol');
  await talker.next(({ payload }) => payload === 'to carol');
  expect((await heard('carol', id)).filter((each) => !String(each).startsWith('1'))).toEqual([
    'to the newest',
    'to carol',
  ]);
  expect((await heard('bob', id)).filter((each) => !String(each).startsWith('1'))).toEqual(['to bob']);
  expect(await bob.read(id)).toEqual(expect.arrayContaining(['to the newest', 'to bob']));
});

it('in a big session only the one that comes or goes is told of it, and the others read it', async () => {
  const id = await sessionOf({}, bob, carol);
  await carol.unjoin(id);
  await carol.join(id);
  await ann.send({ dest_session_id: id, payload: 'last' });
  for (const nodeId of ['bob', 'carol']) {
    const talker = await Talker.open(server, nodeId);
    await talker.next(({ payload, dest_session_id: of }) => payload === 'last' && of === id);
    await talker.close();
  }
  // Up to two members all are told; a leave counts those that stay.
  expect(await heard('bob', id)).toEqual(['100 bob', '103 carol', 'last']);
  expect(await heard('carol', id)).toEqual(['100 carol', '103 carol', '100 carol', 'last']);
  expect(await bob.read(id)).toEqual(['100 bob', '100 carol', '103 carol', '100 carol', 'last']);
});
