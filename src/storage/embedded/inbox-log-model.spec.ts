import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  entryKey,
  entryOfKey,
  type InboxLog,
  type InsertOutcome,
  type LogRow,
  type SeatRow,
  sessionLogOf,
} from '../../modules/inbox/index.js';
import { logRow } from '../../modules/inbox/testing/index.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { StoreFolder } from './testing/store-folder.js';

const LOGS = ['n:a', 'n:b', 'n:c'];
/** One name begins with another. */
const GROUPS = ['g', 'g2', 'h'].map(sessionLogOf);
const EVERYTHING = { after: 0, before: 1e9, limit: 1e6, maxBytes: 1e9 };

/** What an `InboxLog` promises, as plainly as it can be said. */
class Model {
  private readonly logs = new Map<string, LogRow[]>(LOGS.map((log) => [log, []]));
  private readonly seats = new Map<string, number>();
  private readonly newestOf = new Map<string, number>(LOGS.map((log) => [log, 0]));

  insert(rows: readonly LogRow[]): InsertOutcome {
    for (const [inserted, row] of rows.entries()) {
      if (row.n !== this.newest(row.log) + 1) return { inserted, stoppedBy: 'n' };
      if (this.rows(row.log).some(({ key }) => key === row.key)) return { inserted, stoppedBy: 'key' };
      this.rows(row.log).push(row);
      this.newestOf.set(row.log, row.n);
      const seat = entryOfKey(row.key);
      if (seat) this.seats.set(`${row.log} ${seat.group}`, seat.entry);
    }
    return { inserted: rows.length };
  }

  /** Highest entry that a group ever had in a log; 0 for none. */
  highest(log: string, group: string): number {
    return this.seats.get(`${log} ${group}`) ?? 0;
  }

  seat(log: string, group: string): SeatRow | undefined {
    const entry = this.highest(log, group);
    const row = this.rowsOfSeat(log, group).at(-1);
    return entry === 0 ? undefined : { entry, n: row?.n ?? 0, body: row?.body ?? '' };
  }

  rowsOfSeat(log: string, group: string): LogRow[] {
    return this.rows(log).filter(({ key }) => entryOfKey(key)?.group === group);
  }

  rows(log: string): LogRow[] {
    return this.logs.get(log)!;
  }

  newest(log: string): number {
    return this.newestOf.get(log)!;
  }

  drop(log: string, below: number): void {
    this.logs.set(
      log,
      this.rows(log).map((row) => (row.n < below ? { ...row, body: '' } : row)),
    );
  }

  remove(log: string, below: number): void {
    const { n } = this.rows(log).at(-1) ?? { n: 0 };
    this.logs.set(
      log,
      this.rows(log).filter((row) => row.n >= Math.min(below, n)),
    );
  }
}

interface RowDraft {
  readonly log: string;
  readonly ahead: number;
  readonly key: number;
  /** It is an entry of a group, so far above the last. */
  readonly entry: { readonly group: string; readonly above: number } | undefined;
}

type Step =
  | { readonly kind: 'insert'; readonly by: 0 | 1; readonly rows: readonly RowDraft[] }
  | { readonly kind: 'drop' | 'remove'; readonly by: 0 | 1; readonly log: string; readonly share: number }
  | { readonly kind: 'merge'; readonly by: 0 | 1 }
  | { readonly kind: 'reopen' };

const by = fc.constantFrom<0 | 1>(0, 1);
const log = fc.constantFrom(...LOGS);
/** Mostly the next number and a fresh key, sometimes a taken one or a gap. */
const draft = fc.record({
  log,
  ahead: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -2, max: 2 }) }),
  key: fc.nat({ max: 400 }),
  entry: fc.option(fc.record({ group: fc.constantFrom(...GROUPS), above: fc.integer({ min: 1, max: 40 }) }), {
    nil: undefined,
  }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('insert' as const), by, rows: fc.array(draft, { maxLength: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const), by }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('drop' as const, 'remove' as const),
      by,
      log,
      share: fc.nat({ max: 10 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** The store under test, opened twice. */
class Subject {
  private readonly folder = new StoreFolder({ mergeRows: 20, mergeChunk: 4 });
  private stores: Awaited<ReturnType<StoreFolder['open']>>[] = [];
  logs: InboxLog[] = [];

  async open(): Promise<void> {
    this.stores = [await this.folder.open(), await this.folder.open()];
    this.logs = this.stores.map((store) => new EmbeddedInboxLog(store));
  }

  async reopen(): Promise<void> {
    await this.folder.closeAll();
    await this.open();
  }

  merge(which: 0 | 1): Promise<void> {
    return this.stores[which]!.merger.merge();
  }

  close(): Promise<void> {
    return this.folder.remove();
  }
}

async function take(each: Step, subject: Subject, model: Model): Promise<void> {
  if (each.kind === 'reopen') return subject.reopen();
  if (each.kind === 'merge') return subject.merge(each.by);
  const adapter = subject.logs[each.by]!;
  if (each.kind === 'insert') {
    const rows = numbered(each.rows, model);
    expect(await adapter.insert(rows)).toEqual(model.insert(rows));
    return;
  }
  const below = Math.floor((model.newest(each.log) * each.share) / 8);
  model[each.kind](each.log, below);
  if (each.kind === 'drop') while (await adapter.dropBodies(each.log, below));
  else while (await adapter.removeRows(each.log, below, Infinity));
}

function numbered(drafts: readonly RowDraft[], model: Model): LogRow[] {
  const next = new Map(LOGS.map((name) => [name, model.newest(name) + 1]));
  const highest = new Map<string, number>();
  return drafts.map((each) => {
    const n = Math.max(1, next.get(each.log)! + each.ahead);
    next.set(each.log, n + 1);
    return logRow(each.log, n, { key: keyOf(each, model, highest) });
  });
}

/** Entries only go up in an inbox: their writers see to that. */
function keyOf({ log: name, key, entry }: RowDraft, model: Model, highest: Map<string, number>): string {
  if (!entry) return `key-${key}`;
  const seat = `${name} ${entry.group}`;
  const number = (highest.get(seat) ?? model.highest(name, entry.group)) + entry.above;
  highest.set(seat, number);
  return entryKey(entry.group, number);
}

async function compare(adapter: InboxLog, model: Model): Promise<void> {
  for (const name of LOGS) {
    const rows = model.rows(name);
    expect(await adapter.read(name, EVERYTHING)).toEqual(rows);
    const keys = rows.map((row) => row.key);
    expect((await adapter.findKeys(name, [...keys, 'none'])).map((row) => row?.n)).toEqual([
      ...rows.map((row) => row.n),
      undefined,
    ]);
    expect((await adapter.newest([name]))[0]?.n ?? 0).toBe(model.newest(name));
    await compareSeats(adapter, model, name);
  }
  expect(await adapter.logs('', 10)).toEqual(LOGS.filter((name) => model.newest(name) > 0));
}

async function compareSeats(adapter: InboxLog, model: Model, name: string): Promise<void> {
  const seats = GROUPS.map((group) => ({ log: name, group }));
  expect(await adapter.seats(seats)).toEqual(GROUPS.map((group) => model.seat(name, group)));
  const middle = Math.floor(model.newest(name) / 2);
  for (const seat of seats) {
    for (const [above, limit] of [
      [0, 1_000],
      [0, 3],
      [middle, 1_000],
    ] as const) {
      const counted = model.rowsOfSeat(name, seat.group).filter(({ n }) => n > above).length;
      expect(await adapter.countOfSeat(seat, above, limit)).toBe(Math.min(counted, limit));
    }
  }
}

it(
  'does what the model does, whatever is inserted, merged, removed and reopened by whom',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const [subject, model] = [new Subject(), new Model()];
        await subject.open();
        try {
          for (const [i, each] of steps.entries()) {
            await take(each, subject, model);
            for (const name of i % 5 === 0 ? LOGS : []) await compareSeats(subject.logs[i % 2]!, model, name);
          }
          for (const adapter of subject.logs) await compare(adapter, model);
        } finally {
          await subject.close();
        }
      }),
      { numRuns: 25 },
    );
  },
);
