import { afterAll, beforeAll, expect, it } from 'vitest';
import { InboxLog, inboxLogOf, sessionLogOf } from '../../src/modules/inbox/index.js';
import { SessionTalk } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const MEMBERS = 10_000;
const AT_CREATION = 9_900;
const JOINING = 100;
const PAGES = MEMBERS / 200;

const nodes = Array.from({ length: MEMBERS }, (_, index) => `n${String(index).padStart(4, '0')}`);

let server: TestServer;
let session: SessionTalk;
let log: InboxLog;

beforeAll(async () => {
  // A hundred joins of so many members at once are much for a machine that has other things to do.
  server = await TestServer.start({ RATE_PER_SECOND: '0', STORE_DEADLINE_MS: '60000' });
  log = server.running.app.get(InboxLog, { strict: false });
});
afterAll(async () => {
  Talker.hangUp();
  await server.stop();
});

it('ten thousand members are seated by one call and further ones, and no more', async () => {
  session = await SessionTalk.of(server, nodes.slice(0, AT_CREATION));
  await Promise.all(nodes.slice(AT_CREATION).map((nodeId) => session.seat(nodeId)));
  await expect(session.seat('one-too-many')).rejects.toThrow('too_many_members');
});

it('who joined has its own event as the only one', async () => {
  const last = await Talker.open(server, nodes.at(-1)!);
  expect(await last.nextEntries(1)).toMatchObject([{ type: 100, src_id: nodes.at(-1) }]);
  last.ack(1);
  await last.fence();
  expect(last.rest).toEqual([]);
  const [first] = await log.newest([inboxLogOf(nodes[0]!)]);
  expect(first).toBeUndefined();
});

it('a message is one commit before its receipt, and reaches each of the others once', async () => {
  // What comes of the joins is not counted here.
  await session.driven(log);
  const [sender, near, far] = await Promise.all([0, 1, MEMBERS - 1].map((at) => Talker.open(server, nodes[at]!)));
  const insert = log.insert.bind(log);
  const logs: string[] = [];
  const progress = { stored: 0 };
  let confirmed: () => void;
  const receipt = new Promise<void>((resolve) => (confirmed = resolve));
  // Nothing goes into any inbox until the sender has its receipt.
  log.insert = async (batch) => {
    logs.push(...batch.map((row) => row.log));
    if (batch.some((row) => row.log.startsWith('n:'))) await receipt;
    const outcome = await insert(batch);
    progress.stored += outcome.inserted;
    return outcome;
  };
  expect(await sender!.ask(session.to({ id: 'm', payload: 'to all' }))).toMatchObject({ status: 'stored' });
  expect(logs.filter((name) => !name.startsWith('n:'))).toEqual([sessionLogOf(session.id)]);
  confirmed!();
  expect(await near!.next(({ id }) => id === 'm')).toMatchObject({
    seq: 1,
    session_seq: JOINING + 2,
    payload: 'to all',
  });
  expect(await far!.next(({ id }) => id === 'm')).toMatchObject({ seq: 2, session_seq: JOINING + 2 });
  while (progress.stored < MEMBERS) await sender!.fence();
  log.insert = insert;
  const heads = await log.newest(nodes.map(inboxLogOf));
  const tails = heads.map((head) => head?.n ?? 0);
  expect(tails.slice(0, AT_CREATION)).toEqual([0, ...Array.from({ length: AT_CREATION - 1 }, () => 1)]);
  expect(tails.slice(AT_CREATION)).toEqual(Array.from({ length: JOINING }, () => 2));
  await sender!.fence();
  expect([progress.stored, sender!.entries]).toEqual([MEMBERS, []]);
});

it('the list of members comes page by page, each member once', async () => {
  const names: unknown[] = [];
  let cursor: unknown = '';
  for (let page = 0; page < PAGES; page += 1) {
    const query = cursor === '' ? '' : `?members_cursor=${String(cursor)}`;
    const view = await session.view(nodes[0]!, query);
    const members = view['members'] as Frame[];
    expect(members).toHaveLength(200);
    names.push(...members.map((member) => member['node_id']));
    cursor = view['next_members_cursor'];
  }
  expect(cursor).toBeNull();
  expect(names).toEqual(nodes);
});
