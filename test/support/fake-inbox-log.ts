import {
  entryOfKey,
  InboxLog,
  type InsertOutcome,
  type LogRow,
  type Marks,
  NO_MARKS,
  NO_TOTALS,
  type ReadRange,
  type RowHead,
  type Seat,
  type SeatRow,
  StoreUnavailable,
  type Totals,
} from '../../src/modules/inbox/index.js';

export type LogMethod = Exclude<keyof InboxLog, 'maxBatch' | 'lanes'>;

/**
 * What happens to one call: nothing; refused before anything was done; done, but the answer is lost; taken and then
 * undone, as a store does whose majority never saw it.
 */
export type Fault = 'none' | 'before' | 'lost' | 'undone';

export interface FakeLogOptions {
  readonly maxBatch?: number;
  readonly lanes?: number;
  /** False: as a store that only has a unique (log, n), and lets a row in whose predecessor is missing. */
  readonly checksPredecessor?: boolean;
  /** False: goes on behind a row that it did not take. A broken store, to see that somebody notices. */
  readonly ordered?: boolean;
  /** True: `newest` shows rows that are not durable. A broken store too. */
  readonly showsUndecidedTails?: boolean;
  /** True: `read` and `at` show them. */
  readonly showsUndecidedRows?: boolean;
}

/** A held call: it goes on when it is released. */
export interface Held {
  /** Resolves once a call waits here. */
  readonly reached: Promise<void>;
  release(): void;
}

interface Kept {
  row: LogRow;
  durable: boolean;
  open: boolean;
}

interface Hold {
  readonly method: LogMethod;
  readonly reach: () => void;
  readonly released: Promise<void>;
}

/** An in-memory `InboxLog` that keeps the port's promises and can be told to fail. Share one between "processes". */
export class FakeInboxLog extends InboxLog {
  readonly maxBatch: number;
  readonly lanes: number;
  /** Every call so far, by name. */
  readonly calls: LogMethod[] = [];
  /** Every row that ever was durable, in the order of becoming so; removing does not take it out. */
  readonly history: LogRow[] = [];
  /** While true every call is refused. */
  away = false;
  historyName = 'epoch-1';
  /** Inserts on their way. */
  inserting = 0;
  /** Decides what becomes of a call that no `failNext` was planned for. */
  fault: (method: LogMethod) => Fault = () => 'none';
  /** Passed before a call is carried out, before it commits, and before it is answered. */
  step: (label: string) => Promise<void> = () => Promise.resolve();

  private readonly kept = new Map<string, Kept[]>();
  private readonly markOf = new Map<string, Marks>();
  /** Per log and group: highest entry of which a row was removed. */
  private readonly removedSeats = new Map<string, number>();
  private readonly planned: Array<{ method: LogMethod; fault: Fault }> = [];
  private readonly holds: Hold[] = [];

  constructor(private readonly options: FakeLogOptions = {}) {
    super();
    this.maxBatch = options.maxBatch ?? 16;
    this.lanes = options.lanes ?? 1;
  }

  /** The next call of the method ends so. Repeating plans the one after. */
  failNext(method: LogMethod, fault: Fault): void {
    this.planned.push({ method, fault });
  }

  /** The next call of the method waits, before it does anything, until it is released. */
  hold(method: LogMethod): Held {
    const reach = latch();
    const release = latch();
    this.holds.push({ method, reach: reach.open, released: release.opened });
    return { reached: reach.opened, release: release.open };
  }

  /** Another process appends: durable at once, whatever is planned. */
  slip(log: string, ...rows: ReadonlyArray<Partial<LogRow> & { readonly key: string }>): LogRow[] {
    return rows.map((given) => {
      const last = this.rowsOf(log).at(-1);
      const n = (last?.n ?? 0) + 1;
      const body = given.body ?? `{"n":${n}}`;
      const before = last?.totals ?? NO_TOTALS;
      const totals = { count: before.count + 1, bytes: before.bytes + Buffer.byteLength(body) };
      const rest = { digest: 'd', writer: `other-${n}`, at: last?.at ?? 0, report: false };
      const row: LogRow = { log, n, totals, ...rest, ...given, body };
      const each = kept(row, true);
      this.listOf(log).push(each);
      this.history.push(each.row);
      return each.row;
    });
  }

  /** The durable rows of a log. */
  rowsOf(log: string): LogRow[] {
    return this.visible(log, false);
  }

  has(log: string, key: string): boolean {
    return this.rowsOf(log).some((row) => row.key === key);
  }

  /** Numbers of the durable rows that were inserted open and not closed since. */
  openOf(log: string): number[] {
    return this.durable(log).flatMap(({ row, open }) => (open ? [row.n] : []));
  }

  /** Every log that has open rows. */
  openLogs(): string[] {
    return [...this.kept.keys()].filter((log) => this.openOf(log).length > 0).sort();
  }

  closeUpTo(log: string, n: number): void {
    for (const each of this.listOf(log)) if (each.row.n <= n) each.open = false;
  }

  setMarks(log: string, marks: Partial<Marks>): void {
    this.markOf.set(log, { ...this.marksNow(log), ...marks });
  }

  marksNow(log: string): Marks {
    return this.markOf.get(log) ?? NO_MARKS;
  }

  /** What `removeRows` does, by another process. */
  removeAtOnce(log: string, below: number, writtenBefore = Infinity): void {
    const newest = this.rowsOf(log).at(-1)?.n ?? 0;
    const list = this.listOf(log);
    const keep = list.findIndex(({ row }) => row.n >= below || row.n >= newest || row.at >= writtenBefore);
    for (const { row } of list.splice(0, keep < 0 ? list.length : keep)) this.rememberSeat(row);
  }

  insert(rows: readonly LogRow[]): Promise<InsertOutcome> {
    return this.call('insert', async (fault) => {
      const { taken, outcome } = this.take(rows);
      await this.step('commit');
      if (fault === 'undone') {
        this.undo(taken);
        throw new StoreUnavailable('undone');
      }
      this.commit(taken);
      return outcome;
    });
  }

  newest(logs: readonly string[]): Promise<Array<RowHead | undefined>> {
    const undecided = this.options.showsUndecidedTails ?? false;
    return this.call('newest', () => logs.map((log) => headOf(this.visible(log, undecided).at(-1))));
  }

  findKeys(log: string, keys: readonly string[]): Promise<Array<RowHead | undefined>> {
    return this.call('findKeys', () => keys.map((key) => headOf(this.rowsOf(log).find((row) => row.key === key))));
  }

  read(log: string, range: ReadRange): Promise<LogRow[]> {
    return this.call('read', () => {
      const rows = this.readable(log).filter(({ n }) => n > range.after && n < range.before);
      return range.fromEnd ? cut(rows.toReversed(), range).toReversed() : cut(rows, range);
    });
  }

  at(points: ReadonlyArray<{ readonly log: string; readonly n: number }>): Promise<LogRow[]> {
    return this.call('at', () => points.flatMap(({ log, n }) => this.readable(log).filter((row) => row.n === n)));
  }

  firstAfter(log: string, time: number): Promise<number | undefined> {
    return this.call('firstAfter', () => this.rowsOf(log).find(({ at }) => at > time)?.n);
  }

  marks(logs: readonly string[]): Promise<Marks[]> {
    return this.call('marks', () => logs.map((log) => this.marksNow(log)));
  }

  raiseAcked(
    acks: ReadonlyArray<{ readonly log: string; readonly acked: number; readonly ackedTotals: Totals }>,
  ): Promise<number[]> {
    return this.call('raiseAcked', () =>
      acks.map(({ log, acked, ackedTotals }) => {
        const before = this.marksNow(log).acked;
        if (acked > before) this.setMarks(log, { acked, ackedTotals });
        return before;
      }),
    );
  }

  raiseFloor(log: string, floor: number, floorTotals: Totals): Promise<void> {
    return this.call('raiseFloor', () => {
      if (floor > this.marksNow(log).floor) this.setMarks(log, { floor, floorTotals });
    });
  }

  dropBodies(log: string, below: number): Promise<boolean> {
    return this.call('dropBodies', () => {
      for (const each of this.listOf(log)) if (each.row.n < below) each.row = { ...each.row, body: '' };
      return false;
    });
  }

  removeRows(log: string, below: number, writtenBefore: number): Promise<boolean> {
    return this.call('removeRows', () => {
      this.removeAtOnce(log, below, writtenBefore);
      return false;
    });
  }

  seats(asked: readonly Seat[]): Promise<Array<SeatRow | undefined>> {
    return this.call('seats', () => asked.map((seat) => this.seatNow(seat)));
  }

  countOfSeat(seat: Seat, above: number, limit: number): Promise<number> {
    return this.call('countOfSeat', () => {
      const count = this.rowsOfSeat(seat).filter(({ n }) => n > above).length;
      return Math.min(count, limit);
    });
  }

  logs(after: string, limit: number): Promise<string[]> {
    return this.call('logs', () => {
      const names = [...this.kept.keys()].filter((log) => log > after && this.rowsOf(log).length > 0);
      return names.sort().slice(0, limit);
    });
  }

  epoch(): Promise<string> {
    return this.call('epoch', () => this.historyName);
  }

  private async call<T>(method: LogMethod, work: (fault: Fault) => T | Promise<T>): Promise<T> {
    this.calls.push(method);
    if (method === 'insert') this.inserting += 1;
    try {
      return await this.carryOut(method, this.nextFault(method), work);
    } finally {
      if (method === 'insert') this.inserting -= 1;
    }
  }

  private async carryOut<T>(method: LogMethod, fault: Fault, work: (fault: Fault) => T | Promise<T>): Promise<T> {
    await this.waitWhereHeld(method);
    await this.step(`${method} arrives`);
    if (this.away || fault === 'before') throw new StoreUnavailable(`${method} was not carried out`);
    const answer = await work(fault);
    await this.step(`${method} is answered`);
    if (fault === 'lost') throw new StoreUnavailable(`the answer of ${method} was lost`);
    return answer;
  }

  private nextFault(method: LogMethod): Fault {
    const at = this.planned.findIndex((each) => each.method === method);
    const [planned] = at < 0 ? [] : this.planned.splice(at, 1);
    return planned?.fault ?? this.fault(method);
  }

  private async waitWhereHeld(method: LogMethod): Promise<void> {
    const at = this.holds.findIndex((each) => each.method === method);
    const [hold] = at < 0 ? [] : this.holds.splice(at, 1);
    hold?.reach();
    await hold?.released;
  }

  private take(rows: readonly LogRow[]): { taken: LogRow[]; outcome: InsertOutcome } {
    const taken: LogRow[] = [];
    let outcome: InsertOutcome = { inserted: rows.length };
    for (const [index, row] of rows.entries()) {
      const stoppedBy = this.conflictOf(row);
      if (stoppedBy && outcome.stoppedBy === undefined) outcome = { inserted: index, stoppedBy };
      if (stoppedBy && this.options.ordered !== false) break;
      if (stoppedBy) continue;
      const each = kept(row, false);
      this.listOf(row.log).push(each);
      taken.push(each.row);
    }
    return { taken, outcome };
  }

  private conflictOf(row: LogRow): 'n' | 'key' | undefined {
    const list = this.listOf(row.log);
    if (list.some((each) => each.row.key === row.key)) return 'key';
    if (list.some((each) => each.row.n === row.n)) return 'n';
    const isFirst = row.n === 1 && list.length === 0;
    const missing = !isFirst && !list.some((each) => each.row.n === row.n - 1);
    return missing && (this.options.checksPredecessor ?? true) ? 'n' : undefined;
  }

  private commit(taken: readonly LogRow[]): void {
    for (const row of taken) {
      const list = this.listOf(row.log);
      if (!list.some((each) => each.row === row)) throw new StoreUnavailable('what it stood on was undone');
      for (const each of list) {
        if (each.durable || each.row.n > row.n) continue;
        each.durable = true;
        this.history.push(each.row);
      }
    }
  }

  /** What was not decided vanishes, and what was put behind it too. */
  private undo(taken: readonly LogRow[]): void {
    for (const row of taken) {
      const list = this.listOf(row.log);
      const at = list.findIndex((each) => each.row === row && !each.durable);
      if (at >= 0) this.kept.set(row.log, [...list.slice(0, at), ...list.slice(at).filter(({ durable }) => durable)]);
    }
  }

  private rememberSeat({ log, key }: LogRow): void {
    const seat = entryOfKey(key);
    if (!seat) return;
    const name = seatName({ log, group: seat.group });
    this.removedSeats.set(name, Math.max(seat.entry, this.removedSeats.get(name) ?? 0));
  }

  private seatNow(seat: Seat): SeatRow | undefined {
    const newest = this.rowsOfSeat(seat).at(-1);
    if (newest) return { entry: entryOfKey(newest.key)!.entry, n: newest.n, body: newest.body };
    const entry = this.removedSeats.get(seatName(seat));
    return entry === undefined ? undefined : { entry, n: 0, body: '' };
  }

  private rowsOfSeat({ log, group }: Seat): LogRow[] {
    return this.rowsOf(log).filter(({ key }) => entryOfKey(key)?.group === group);
  }

  private durable(log: string): Kept[] {
    return this.listOf(log).filter(({ durable }) => durable);
  }

  private readable(log: string): LogRow[] {
    return this.visible(log, this.options.showsUndecidedRows ?? false);
  }

  private visible(log: string, undecided: boolean): LogRow[] {
    const rows = this.listOf(log).filter(({ durable }) => durable || undecided);
    return rows.map(({ row }) => row).sort((one, other) => one.n - other.n);
  }

  private listOf(log: string): Kept[] {
    let list = this.kept.get(log);
    if (!list) this.kept.set(log, (list = []));
    return list;
  }
}

function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let resolve: (() => void) | undefined;
  const opened = new Promise<void>((done) => (resolve = done));
  return { opened, open: () => resolve?.() };
}

/** As it is kept: whether it is open is not read back. */
function kept({ open, ...row }: LogRow, durable: boolean): Kept {
  return { row, durable, open: open === true };
}

function seatName({ log, group }: Seat): string {
  return `${log} ${group}`;
}

function headOf(row: LogRow | undefined): RowHead | undefined {
  if (!row) return undefined;
  const { log, n, key, digest, writer, at, totals, report } = row;
  return { log, n, key, digest, writer, at, totals, report };
}

function cut(rows: readonly LogRow[], { limit, maxBytes }: ReadRange): LogRow[] {
  let bytes = 0;
  const within = rows.slice(0, limit).filter((row, index) => {
    bytes += Buffer.byteLength(row.body);
    return index === 0 || bytes <= maxBytes;
  });
  return within;
}
