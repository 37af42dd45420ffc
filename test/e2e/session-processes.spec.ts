import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { refText } from '../../src/modules/inbox/entry-ref.js';
import { entryKey, InboxLog, inboxLogOf, type LogRow, NO_TOTALS, sessionLogOf } from '../../src/modules/inbox/index.js';
import { encodeEntry } from '../../src/modules/sessions/group-entry.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { ProcessNode } from '../support/process-node.js';
import { payloads, places, seqs, SessionTalk, takeAll, upTo } from '../support/session-talk.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SEAT = 50;
const CROWD = 1_000;
const SETTINGS = {
  POLL_INTERVAL_MS: '200',
  POLL_JITTER_MS: '20',
  OPEN_ENTRY_RECOVERY_MS: '300',
  SEAT_MAX_MESSAGES: String(SEAT),
  RATE_PER_SECOND: '0',
  LINK_SECRET: 'a secret of the links of tests, 32 bytes or more',
};
const found = await findMongo();
const FAMILIES = ['the embedded store', ...(found?.setups ?? [])] as const;

describe.each(FAMILIES)('two processes on %s', (family) => {
  let mongo: TestMongo | undefined;
  let uri = '';
  let here: TestServer;
  let there: ProcessNode;

  beforeAll(async () => {
    if (family === 'the embedded store') {
      here = await TestServer.start(SETTINGS);
      there = await ProcessNode.start({ ...SETTINGS, DATA_DIR: here.dataDir });
      return;
    }
    mongo = await startMongo(family, found!);
    uri = mongo.freshUri();
    here = await TestServer.start({ ...SETTINGS, MONGODB_URI: uri });
    there = await ProcessNode.start({ ...SETTINGS, MONGODB_URI: uri });
  });
  afterEach(() => Talker.hangUp());
  afterAll(async () => {
    await there.remove();
    await here.stop();
    await mongo?.drop(uri);
    await mongo?.stop();
  });

  const logOf = (): InboxLog => here.running.app.get(InboxLog, { strict: false });

  it('show the members of a session at both one order, in which each sender’s own is kept', async () => {
    const session = await SessionTalk.of(here, ['ann', 'bob', 'near', 'far']);
    const readers = await Promise.all([Talker.open(here, 'near'), Talker.open(there, 'far')]);
    // Clients of the library: who loses too often against the other process is told to send again.
    const senders = [here.client('ann'), there.client('bob')];
    await Promise.all(senders.map((sender) => sender.connect()));
    const reading = Promise.all(readers.map((reader) => takeAll(reader, 40)));
    await Promise.all(
      senders.flatMap((sender) => upTo(20).map((payload) => sender.send({ destSessionId: session.id, payload }))),
    );
    const [near = [], far = []] = await reading;
    expect(places(near)).toEqual(places(far));
    expect([seqs(near), seqs(far)]).toEqual([upTo(40), upTo(40)]);
    for (const src of ['ann', 'bob'])
      expect(payloads(near.filter((entry) => entry['src_id'] === src))).toEqual(upTo(20));
  });

  it('hold to what the other answered of who is a member', async () => {
    const session = await SessionTalk.of(here, ['cleo', 'dan'], { anyone_can_join: true });
    const elsewhere = session.at(there);
    const [cleo, dan] = await Promise.all([Talker.open(here, 'cleo'), Talker.open(there, 'dan')]);
    expect(await dan.ask(session.to({ payload: 1 }))).toMatchObject({ status: 'stored' });
    await session.unjoin('dan');
    expect(await dan.ask(session.to({ payload: 2 }))).toMatchObject({ type: -5 });
    await elsewhere.join('dan', { anonymous: true });
    expect(await cleo.ask(session.to({ payload: 3 }))).toMatchObject({ status: 'stored' });
    expect((await cleo.nextEntries(3)).map(({ type }) => type)).toEqual([0, 103, 100]);
    expect((await dan.nextEntries(3)).map(({ type }) => type)).toEqual([103, 100, 0]);
    const views = await Promise.all([session, elsewhere].map((at) => at.view('cleo')));
    expect(views[0]).toEqual(views[1]);
  });

  it('leave one gap in a seat that both of them fill', async () => {
    const session = await SessionTalk.of(here, ['eva', 'fay', 'gus']);
    const senders = await Promise.all([Talker.open(here, 'eva'), Talker.open(there, 'fay')]);
    for (const payload of upTo(SEAT + 3)) await stored(senders[payload % 2]!, session, payload);
    const gus = await Talker.open(there, 'gus');
    const gap = (await gus.nextEntries(SEAT + 1)).at(-1)!;
    expect(gap).toMatchObject({ type: -115, seq: SEAT + 1, dest_session_id: session.id, from_session_seq: SEAT + 2 });
    await session.driven(logOf());
    await here.json('gus', '/v1/inbox/ack', { seq: gap['seq'] });
    await stored(senders[1], session, 'after');
    expect(await gus.nextEntries(1)).toMatchObject([{ seq: SEAT + 2, payload: 'after' }]);
  });

  it('drive what another process left half driven: to each of the others once, and in its place', async () => {
    const session = await SessionTalk.of(here, ['hua', 'ira', 'jon']);
    const [log, group] = [logOf(), sessionLogOf(session.id)];
    const [head] = await log.newest([group]);
    const frame = `{"type":0,"dest_session_id":"${session.id}","id":"left","src_id":"hua","payload":"left"}`;
    const body = encodeEntry({ kind: 'message', from: 'hua', frame });
    const n = head!.n + 1;
    const entry: LogRow = { ...head!, n, key: 'm hua left', writer: `gone-${session.id}`, body, open: true };
    const inbox = inboxLogOf('ira');
    const ref = refText({ group, entry: n, waiting: 1, isGap: false });
    const row = { ...entry, log: inbox, n: 1, key: entryKey(group, n), totals: NO_TOTALS, body: ref, open: undefined };
    // From the entry on, somebody may drive it at any time.
    expect(await log.insert([row])).toEqual({ inserted: 1 });
    expect(await log.insert([entry])).toEqual({ inserted: 1 });
    const [ira, jon] = await Promise.all([Talker.open(here, 'ira'), Talker.open(there, 'jon')]);
    expect(await jon.nextEntries(1)).toMatchObject([{ seq: 1, session_seq: n, payload: 'left' }]);
    const hua = await Talker.open(there, 'hua');
    await stored(hua, session, 'next');
    expect(payloads(await ira.nextEntries(2))).toEqual(['left', 'next']);
    expect(payloads(await jon.nextEntries(1))).toEqual(['next']);
    expect([seqs(ira.entries), seqs(jon.entries)]).toEqual([upTo(2), upTo(2)]);
  });

  it('lose nothing of what one confirmed that is killed while it drives it', async () => {
    const crowd = upTo(CROWD).map((index) => `crowd-${index}`);
    const session = await SessionTalk.of(here, ['kim', ...crowd]);
    const kim = await Talker.open(there, 'kim');
    for (const payload of upTo(3)) await stored(kim, session, payload);
    await there.kill();
    const log = logOf();
    const near = await Talker.open(here, 'kim');
    let tails: number[] = [];
    while (tails.length === 0 || tails.some((tail) => tail < 3)) {
      await near.fence();
      tails = (await log.newest(crowd.map(inboxLogOf))).map((head) => head?.n ?? 0);
    }
    expect(tails).toEqual(crowd.map(() => 3));
    const last = await Talker.open(here, crowd.at(-1)!);
    expect(payloads(await last.nextEntries(3))).toEqual(upTo(3));
    await there.restart();
  });
});

async function stored(sender: Talker, session: SessionTalk, payload: unknown): Promise<void> {
  const message = session.to({ id: `m-${String(payload)}`, payload });
  for (;;) {
    const { status, code } = await sender.ask(message);
    if (code === 'retry_later') continue;
    expect(['stored', 'duplicate']).toContain(status);
    return;
  }
}
