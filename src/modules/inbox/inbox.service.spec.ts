import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { StallGuard } from '../../common/stall-guard.js';
import { type InboxQuery, Refusal } from '../../protocol/index.js';
import { type NodeRecord, NodeRegistry, NodesService } from '../nodes/index.js';
import type { AppendOutcome, DeliveryReport, MessageDraft } from './inbox.types.js';
import { InboxHooks } from './inbox.hooks.js';
import { InboxService } from './inbox.service.js';
import { InboxSettings } from './inbox.settings.js';
import { Retention } from './retention.js';
import type { LogRow } from './inbox-log.js';

const LOG = 'n:a';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

class Settings extends InboxSettings {
  readonly seatMaxMessages = 3;
  readonly maxMessages = 3;
  readonly maxBytes = 100;
  readonly ageMs = 30 * DAY;
  readonly ackedKeepMs = DAY;
  readonly ackedKeepMessages = 1_000;
  readonly dedupeMs = DAY;
  readonly tailTrustMs = 30_000;
  readonly deadlineMs = 5_000;
  readonly pollMs = 5_000;
  readonly pollJitterMs = 1_000;
  readonly windowMessages = 256;
  readonly windowBytes = 524_288;
}

class Registry extends NodeRegistry {
  readonly known = new Map<string, NodeRecord>();

  find(ids: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    return Promise.resolve(ids.map((id) => this.known.get(id)));
  }

  record(nodes: readonly NodeRecord[]): Promise<void> {
    for (const node of nodes) this.known.set(node.nodeId, node);
    return Promise.resolve();
  }
}

let store: FakeInboxLog;
let clock: ManualClock;
let registry: Registry;
let inbox: InboxService;
let reports: DeliveryReport[];

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
};

async function append(key: string, more: Partial<MessageDraft> = {}): Promise<AppendOutcome> {
  const draft = {
    kind: 'message' as const,
    key,
    digest: 'd',
    body: '{"b":1}',
    bytes: 7,
    report: false,
    makesKnown: true,
    ...more,
  };
  const outcome = new Promise<AppendOutcome>((resolve) => inbox.append('a', draft, resolve));
  await settled();
  return outcome;
}

async function codeOf(outcome: Promise<AppendOutcome>): Promise<string> {
  const answer = await outcome;
  return answer.kind === 'refused' ? answer.refusal.code : answer.kind;
}

const time = (n: number): number => clock.now() - DAY + n * 1_000;

async function page(query: InboxQuery, maxBytes = 1_000_000): Promise<string> {
  const { frames, complete } = await inbox.page('a', query, maxBytes);
  const seqs = frames.map((frame) => (JSON.parse(frame) as { seq: number }).seq).join(' ');
  return `${seqs}${complete ? '' : ' …'}`;
}

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock();
  registry = new Registry();
  const guard = new StallGuard(clock, 5_000, 30_000);
  inbox = new InboxService(
    store,
    new Settings(),
    clock,
    guard,
    new NodesService(registry, clock),
    new InboxHooks(clock),
  );
  reports = [];
  inbox.onReports((more) => void reports.push(...more));
});

describe('a full inbox', () => {
  it('refuses for good what does not fit, by number and by bytes', async () => {
    for (const key of ['k1', 'k2', 'k3']) expect(await codeOf(append(key))).toBe('stored');
    expect(await codeOf(append('k4'))).toBe('inbox_full');
    await inbox.acknowledgeNow('a', 3);
    expect(await codeOf(append('k5', { bytes: 101 }))).toBe('inbox_full');
    expect(await codeOf(append('k6', { bytes: 100 }))).toBe('stored');
  });

  it('answers a repeat as one, full or not', async () => {
    for (const key of ['k1', 'k2', 'k3']) await append(key);
    expect(await codeOf(append('k2'))).toBe('duplicate');
  });

  it('has room again at once when somebody acknowledged by another process', async () => {
    for (const key of ['k1', 'k2', 'k3']) await append(key);
    const [first] = store.rowsOf(LOG);
    store.setMarks(LOG, { acked: 1, ackedTotals: (first as LogRow).totals });
    expect(await codeOf(append('k4'))).toBe('stored');
  });

  it('does not count what expired', async () => {
    for (const key of ['k1', 'k2', 'k3']) await append(key);
    const last = store.rowsOf(LOG)[2] as LogRow;
    store.setMarks(LOG, { floor: 4, floorTotals: last.totals });
    expect(await codeOf(append('k4'))).toBe('stored');
    expect((await inbox.state('a')).pending).toBe(1);
  });

  it('stays unknown to a sender that may not make nodes known', async () => {
    expect(await codeOf(append('k1', { makesKnown: false }))).toBe('node_unknown');
    expect(registry.known.has('a')).toBe(false);
    expect(await codeOf(append('k1'))).toBe('stored');
    expect(registry.known.has('a')).toBe(true);
  });
});

describe('a repeat', () => {
  it('is known for the dedupe window and an hour, and then is a new message', async () => {
    const retention = new Retention(store, new Settings(), clock);
    for (const key of ['k1', 'k2']) await append(key);
    await inbox.acknowledgeNow('a', 2);
    clock.advance(DAY + HOUR);
    await retention.collect(LOG);
    expect(await codeOf(append('k1'))).toBe('duplicate');
    clock.advance(1);
    await retention.collect(LOG);
    expect(await codeOf(append('k1'))).toBe('stored');
    expect(await page({})).toBe('3');
    expect(await codeOf(append('k1'))).toBe('duplicate');
  });

  it('is known for as long as the first waits, or is the newest of the inbox', async () => {
    const retention = new Retention(store, new Settings(), clock);
    for (const key of ['k1', 'k2']) await append(key);
    await inbox.acknowledgeNow('a', 2);
    for (const key of ['k3', 'k4']) await append(key);
    clock.advance(2 * DAY);
    await retention.collect(LOG);
    for (const key of ['k3', 'k4']) expect(await codeOf(append(key))).toBe('duplicate');
    await inbox.acknowledgeNow('a', 4);
    await retention.collect(LOG);
    expect([await codeOf(append('k4')), await codeOf(append('k3'))]).toEqual(['duplicate', 'stored']);
  });
});

describe('a page', () => {
  beforeEach(() => {
    for (let n = 1; n <= 10; n += 1) store.slip(LOG, { key: `k${n}`, at: clock.now() - DAY + n * 1_000 });
  });

  it.each<[string, InboxQuery, string]>([
    ['everything without bounds', {}, '1 2 3 4 5 6 7 8 9 10'],
    ['the first up to the limit', { limit: 3 }, '1 2 3 …'],
    ['what is behind after_seq', { afterSeq: 7 }, '8 9 10'],
    ['the last ones before before_seq', { beforeSeq: 6, limit: 2 }, '4 5 …'],
    ['all before before_seq when they fit', { beforeSeq: 4 }, '1 2 3'],
    ['the first between both bounds', { afterSeq: 2, beforeSeq: 8, limit: 2 }, '3 4 …'],
    ['nothing between neighbours', { afterSeq: 4, beforeSeq: 5 }, ''],
    ['nothing where the bounds cross', { afterSeq: 8, beforeSeq: 3 }, ''],
    ['nothing behind the tail', { afterSeq: 10 }, ''],
    ['nothing far behind the tail', { afterSeq: 1_000 }, ''],
    ['nothing before the beginning', { beforeSeq: 1 }, ''],
    ['nothing before zero', { beforeSeq: 0 }, ''],
    ['everything before a number beyond the tail', { beforeSeq: 99, limit: 2 }, '9 10 …'],
  ])('shows %s', async (_, query, wanted) => {
    expect(await page(query)).toBe(wanted);
  });

  it('takes times as exclusive bounds', async () => {
    expect(await page({ afterTime: time(7) })).toBe('8 9 10');
    expect(await page({ beforeTime: time(4) })).toBe('1 2 3');
    expect(await page({ beforeTime: time(4), limit: 1 })).toBe('3 …');
    expect(await page({ afterTime: time(4), beforeTime: time(8), limit: 2 })).toBe('5 6 …');
    expect(await page({ afterTime: time(99) })).toBe('');
    expect(await page({ beforeTime: 0 })).toBe('');
    expect(await page({ afterTime: time(3), afterSeq: 5, beforeSeq: 8 })).toBe('6 7');
  });

  it('begins at the floor, and ends at the bytes that it may have', async () => {
    store.setMarks(LOG, { floor: 4, floorTotals: (store.rowsOf(LOG)[2] as LogRow).totals });
    expect(await page({})).toBe('4 5 6 7 8 9 10');
    expect(await page({ afterSeq: 1, limit: 1 })).toBe('4 …');
    expect(await page({ beforeSeq: 6 })).toBe('4 5');
    expect(await page({}, 15)).toBe('4 5 …');
    expect(await page({}, 1)).toBe('4 …');
  });

  it('shows what is older than the inbox age as gone', async () => {
    clock.advance(29 * DAY + 1_500);
    const { frames } = await inbox.page('a', { limit: 2 }, 1_000_000);
    expect(frames[0]).toBe('{"type":-116,"seq":1,"reason":"expired"}');
    expect(frames[1]).toContain('"n":2');
  });

  it('says where the inbox stands', async () => {
    await inbox.acknowledgeNow('a', 4);
    expect(await inbox.page('a', {}, 1_000_000)).toMatchObject({
      epoch: 'epoch-1',
      floorSeq: 1,
      tailSeq: 10,
      ackedSeq: 4,
    });
  });
});

describe('an acknowledgement', () => {
  beforeEach(() => {
    store.slip(LOG, { key: 'k1', report: true }, { key: 'k2' }, { key: 'k3', report: true });
  });

  it('by a call raises what is acknowledged and answers it', async () => {
    expect(await inbox.acknowledgeNow('a', 2)).toBe(2);
    expect(await inbox.acknowledgeNow('a', 1)).toBe(2);
    expect(store.marksNow(LOG)).toMatchObject({ acked: 2, ackedTotals: (store.rowsOf(LOG)[1] as LogRow).totals });
  });

  it('by a call is refused beyond the tail and for another history', async () => {
    await expect(inbox.acknowledgeNow('a', 4)).rejects.toMatchObject({ code: 'invalid_field', field: 'seq' });
    await expect(inbox.acknowledgeNow('a', 1, 'epoch-0')).rejects.toMatchObject({ code: 'epoch_changed' });
    await expect(inbox.acknowledgeNow('a', 4)).rejects.toBeInstanceOf(Refusal);
    expect(store.marksNow(LOG).acked).toBe(0);
  });

  it('reports each row to its sender on the first one only', async () => {
    await inbox.acknowledgeNow('a', 2);
    expect(reports).toEqual([{ nodeId: 'a', key: 'k1' }]);
    await inbox.acknowledgeNow('a', 3);
    await inbox.acknowledgeNow('a', 3);
    expect(reports.map(({ key }) => key)).toEqual(['k1', 'k3']);
  });

  it('of two connections at once is reported once', async () => {
    const totals = (store.rowsOf(LOG)[0] as LogRow).totals;
    for (let twice = 0; twice < 2; twice += 1)
      inbox.acknowledge('a', { seq: 1, totals, reports: new Map([[1, 'k1']]) });
    await settled();
    expect(reports.map(({ key }) => key)).toEqual(['k1']);
  });

  it('of a connection that resumed reports what it had got before', async () => {
    inbox.acknowledge('a', { seq: 3, reports: new Map() });
    await settled();
    expect(reports.map(({ key }) => key)).toEqual(['k1', 'k3']);
    expect(store.marksNow(LOG).ackedTotals).toEqual((store.rowsOf(LOG)[2] as LogRow).totals);
  });

  it('that the store did not take is tried again', async () => {
    store.away = true;
    inbox.acknowledge('a', { seq: 3, reports: new Map() });
    await settled();
    store.away = false;
    clock.advance(500);
    await settled();
    expect(store.marksNow(LOG).acked).toBe(3);
  });

  it('of a row that is gone counts as the floor does', async () => {
    const floorTotals = (store.rowsOf(LOG)[1] as LogRow).totals;
    store.setMarks(LOG, { floor: 3, floorTotals });
    store.removeAtOnce(LOG, 3);
    expect(await inbox.acknowledgeNow('a', 2)).toBe(2);
    expect(store.marksNow(LOG).ackedTotals).toEqual(floorTotals);
    expect((await inbox.state('a')).pending).toBe(1);
  });

  it('over more rows than it looks through counts them all', async () => {
    const last = Array.from({ length: 1_005 }, (_, index) => store.slip(LOG, { key: `x${index}` })[0] as LogRow).at(-1);
    await inbox.acknowledgeNow('a', last?.n as number);
    expect(store.marksNow(LOG).ackedTotals).toEqual(last?.totals);
    expect((await inbox.state('a')).pending).toBe(0);
  });

  it('opens the window of every reader of the node', async () => {
    const frames: string[] = [];
    const sink = {
      room: Infinity,
      send: (frame: string) => void frames.push(frame),
      close: () => {},
      limited: () => {},
    };
    const reader = inbox.reader('a', sink);
    const state = await inbox.state('a');
    reader.start(0, state.tailSeq, state.marks);
    await settled();
    expect(reader.covered(3)?.reports.size).toBe(2);
    await inbox.acknowledgeNow('a', 3);
    expect(reader.covered(3)).toBeUndefined();
    inbox.removeReader(reader);
    expect(inbox.depths).toMatchObject({ readLogs: 0 });
  });
});

describe('InboxService', () => {
  it('tells a reader of a row as soon as it is stored', async () => {
    const frames: string[] = [];
    const sink = {
      room: Infinity,
      send: (frame: string) => void frames.push(frame),
      close: () => {},
      limited: () => {},
    };
    const state = await inbox.state('a');
    inbox.reader('a', sink).start(0, state.tailSeq, state.marks);
    await append('k1');
    expect(frames).toEqual([`{"seq":1,"timestamp":${clock.now()},"b":1}`]);
  });

  it('leaves no timer behind', () => {
    const before = clock.waiting;
    inbox.onApplicationBootstrap();
    expect(clock.waiting).toBeGreaterThan(before);
    inbox.onModuleDestroy();
    expect(clock.waiting).toBe(before);
  });
});
