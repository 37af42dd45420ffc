import type { Clock } from '../../common/clock.js';
import { InboxLog, type LogRow, StoreUnavailable } from '../inbox/index.js';
import { GroupState } from './group-state.js';
import type { GroupLog } from './group-log.js';

const READ_ROWS = 1_000;
const READ_BYTES = 4 * 1024 * 1024;
/** Longer than any draft or entry waits, so that nobody has one in hand that was forgotten. */
const FORGOTTEN_AFTER_MS = 60_000;

/** The groups that this process knows, each as its log stood when it last looked. */
export class GroupStates {
  private readonly states = new Map<string, GroupState>();
  private readonly loading = new Map<string, Promise<GroupState>>();
  /** Looks at the tail that `recent` waits for. */
  private readonly looking = new Map<string, Promise<GroupState>>();

  constructor(
    private readonly log: InboxLog,
    private readonly groups: GroupLog,
    private readonly clock: Clock,
  ) {}

  known(log: string): GroupState | undefined {
    return this.states.get(log);
  }

  get size(): number {
    return this.states.size;
  }

  /** The state with everything up to n applied; it may be further. */
  async at(log: string, n: number): Promise<GroupState> {
    const state = this.states.get(log) ?? (await this.load(log));
    state.usedAt = this.clock.monotonic();
    while (state.n < n) {
      const range = { after: state.n, before: n + 1, limit: READ_ROWS, maxBytes: READ_BYTES };
      const rows = await this.log.read(log, range);
      for (const row of rows) state.apply(row);
      if (rows.length === 0 && state.n < n) throw new StoreUnavailable(`entry ${state.n + 1} cannot be read`);
    }
    return state;
  }

  /** The state as it is when this is asked. */
  async fresh(log: string): Promise<GroupState> {
    const asked = this.clock.monotonic();
    const [newest] = await this.log.newest([log]);
    const state = await this.at(log, newest?.n ?? 0);
    state.checkedAt = Math.max(state.checkedAt, asked);
    return state;
  }

  /**
   * The state as it was not longer than `maxAgeMs` ago. Answers in the order of the questions: who asks while another's
   * look is on its way waits for that, and shares its end.
   */
  async recent(log: string, maxAgeMs: number): Promise<GroupState> {
    const asked = this.clock.monotonic();
    for (;;) {
      const looking = this.looking.get(log);
      const known = looking ? undefined : this.states.get(log);
      const state = known && asked - known.checkedAt < maxAgeMs ? known : await (looking ?? this.look(log));
      if (asked - state.checkedAt <= maxAgeMs) return state;
    }
  }

  private look(log: string): Promise<GroupState> {
    const looking = this.fresh(log);
    const end = (): void => void this.looking.delete(log);
    looking.then(end, end);
    this.looking.set(log, looking);
    return looking;
  }

  /** An own entry became durable. */
  stored(row: LogRow): GroupState | undefined {
    const state = this.states.get(row.log);
    state?.apply(row);
    if (state && row.n > state.driven) state.keepOwn(row);
    return state;
  }

  /** Groups that others drive, as far as this process knows of many entries since. */
  behind(entries: number): GroupState[] {
    return [...this.states.values()].filter(({ isDriving, n, driven }) => !isDriving && n - driven >= entries);
  }

  /** Forgets groups in which nothing happens any more. */
  sweep(): void {
    const before = this.clock.monotonic() - FORGOTTEN_AFTER_MS;
    for (const [log, state] of this.states) if (!state.isDriving && state.usedAt < before) this.states.delete(log);
  }

  /** All who ask at once wait for one load, and get the same state. */
  private load(log: string): Promise<GroupState> {
    const present = this.loading.get(log);
    if (present) return present;
    const loading = this.read(log).finally(() => this.loading.delete(log));
    this.loading.set(log, loading);
    return loading;
  }

  /** What was driven first, then the projection, then (by `at`) the entries: each covers what the one before lacks. */
  private async read(log: string): Promise<GroupState> {
    const [marks] = await this.log.marks([log]);
    const driven = marks?.acked ?? 0;
    const { record, stays } = await this.groups.load(log, keepsEnded(log) ? 0 : driven);
    const state = new GroupState(log, driven, record, stays);
    this.states.set(log, state);
    return state;
  }
}

/** Of a client the latest stay of each node is kept in mind, for the key that it followed. */
export function keepsEnded(log: string): boolean {
  return log.startsWith('c:');
}
