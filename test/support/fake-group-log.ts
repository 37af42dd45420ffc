import { StoreUnavailable } from '../../src/modules/inbox/index.js';
import { GroupLog, type GroupRecord, type OpenEntry, type Stay } from '../../src/modules/sessions/index.js';
import type { FakeInboxLog } from './fake-inbox-log.js';

export type GroupMethod = keyof GroupLog;

/** An in-memory `GroupLog` beside a `FakeInboxLog`. Share one between "processes". */
export class FakeGroupLog extends GroupLog {
  /** Every call so far, by name. */
  readonly calls: GroupMethod[] = [];
  /** While true every call is refused. */
  away = false;
  /** Passed before a call is carried out, and again before it is answered. */
  step: (label: string) => Promise<void> = () => Promise.resolve();
  /** Decides what becomes of a call: refused before anything was done, or done with its answer lost. */
  fault: (method: GroupMethod) => 'none' | 'before' | 'lost' = () => 'none';

  private readonly stays = new Map<string, Map<string, Stay>>();
  private readonly records = new Map<string, GroupRecord>();

  /** `oneRowPerMember`: joining again overwrites the stay before. A broken store, to see that somebody notices. */
  constructor(
    private readonly store: FakeInboxLog,
    private readonly oneRowPerMember = false,
  ) {
    super();
  }

  load(log: string, after: number): Promise<{ record: GroupRecord | undefined; stays: Stay[] }> {
    return this.call('load', () => ({
      record: this.records.get(log),
      stays: this.of(log).filter(({ left }) => left === null || left > after),
    }));
  }

  project(log: string, stays: readonly Stay[], record?: GroupRecord): Promise<void> {
    return this.call('project', () => {
      if (stays.length > 256) throw new RangeError('at most 256 stays');
      const known = this.stays.get(log) ?? new Map<string, Stay>();
      this.stays.set(log, known);
      for (const stay of stays) {
        const key = this.oneRowPerMember ? stay.nodeId : `${stay.nodeId} ${stay.joined}`;
        const present = known.get(key);
        known.set(key, present?.joined === stay.joined ? merged(present, stay) : stay);
      }
      const present = this.records.get(log);
      if (record) this.records.set(log, { ...record, ...present, ended: present?.ended ?? record.ended });
    });
  }

  staysOf(log: string, nodeId: string): Promise<Stay[]> {
    return this.call('staysOf', () => this.of(log).filter((stay) => stay.nodeId === nodeId));
  }

  hasAlias(log: string, alias: string): Promise<boolean> {
    return this.call('hasAlias', () => this.of(log).some((stay) => stay.alias === alias));
  }

  groupsOf(nodeId: string, after: string, limit: number): Promise<string[]> {
    const isIn = (log: string): boolean => this.of(log).some((stay) => stay.nodeId === nodeId && stay.left === null);
    return this.call('groupsOf', () =>
      [...this.stays.keys()]
        .filter((log) => log > after && isIn(log))
        .toSorted()
        .slice(0, limit),
    );
  }

  open(after: string, limit: number): Promise<OpenEntry[]> {
    return this.call('open', () => {
      const logs = this.store.openLogs().filter((log) => log > after);
      return logs.slice(0, limit).map((log) => ({ log, n: this.store.openOf(log)[0]! }));
    });
  }

  close(log: string, upTo: number): Promise<void> {
    return this.call('close', () => this.store.closeUpTo(log, upTo));
  }

  private of(log: string): Stay[] {
    return [...(this.stays.get(log)?.values() ?? [])].toSorted((a, b) => a.joined - b.joined);
  }

  private async call<T>(method: GroupMethod, work: () => T): Promise<T> {
    this.calls.push(method);
    const fault = this.away ? 'before' : this.fault(method);
    await this.step(method);
    if (fault === 'before') throw new StoreUnavailable(method);
    const answer = work();
    await this.step(`${method} answer`);
    if (fault === 'lost') throw new StoreUnavailable(method);
    return answer;
  }
}

function merged(present: Stay, stay: Stay): Stay {
  const { left, revealed, issuedAt } = present;
  return {
    ...present,
    left: left ?? stay.left,
    revealed: revealed ?? stay.revealed,
    issuedAt: Math.max(issuedAt, stay.issuedAt),
  };
}
