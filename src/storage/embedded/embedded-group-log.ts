import type { Database } from 'lmdb';
import { GroupLog, type GroupRecord, type OpenEntry, type Stay } from '../../modules/sessions/index.js';
import type { EmbeddedStore } from './embedded-store.js';
import { EmbeddedStays } from './embedded-stays.js';
import { latest } from './latest.js';
import { OpenEntries } from './open-entries.js';

/** Stays that one call of `project` takes. */
const MAX_STAYS = 256;
/** Entries that one transaction closes. */
const CLOSE_ENTRIES = 256;

/** What is kept of groups beside their logs. */
export class EmbeddedGroupLog extends GroupLog {
  private readonly records: Database<GroupRecord, string>;
  private readonly stays: EmbeddedStays;
  private readonly openEntries: OpenEntries;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.records = store.json('groups');
    this.stays = new EmbeddedStays(store);
    this.openEntries = new OpenEntries(store.json('open-entries'));
  }

  load(log: string, after: number): Promise<{ record: GroupRecord | undefined; stays: Stay[] }> {
    return this.readNow(() => ({ record: this.records.get(log), stays: this.stays.endingBehind(log, after) }));
  }

  async project(log: string, stays: readonly Stay[], record?: GroupRecord): Promise<void> {
    if (stays.length > MAX_STAYS) throw new RangeError(`at most ${MAX_STAYS} stays`);
    for (const stay of stays) this.stays.check(log, stay);
    await this.store.writes.run(stays.length, () => {
      for (const stay of stays) this.stays.raise(log, stay);
      if (record) this.raiseRecord(log, record);
    });
  }

  private raiseRecord(log: string, record: GroupRecord): void {
    const known = this.records.get(log);
    const ended = latest(known?.ended ?? null, record.ended);
    if (!known || ended !== known.ended) void this.records.put(log, { ...(known ?? record), ended });
  }

  staysOf(log: string, nodeId: string): Promise<Stay[]> {
    return this.readNow(() => this.stays.of(log, nodeId));
  }

  hasAlias(log: string, alias: string): Promise<boolean> {
    return this.readNow(() => this.stays.hasAlias(log, alias));
  }

  groupsOf(nodeId: string, after: string, limit: number): Promise<string[]> {
    return this.readNow(() => this.stays.groupsOf(nodeId, after, limit));
  }

  open(after: string, limit: number): Promise<OpenEntry[]> {
    return this.readNow(() => this.openEntries.firsts(after, limit));
  }

  async close(log: string, upTo: number): Promise<void> {
    const closeSome = (): boolean => this.openEntries.close(log, upTo, CLOSE_ENTRIES);
    while (await this.store.writes.run(CLOSE_ENTRIES, closeSome));
  }

  private async readNow<T>(work: () => T): Promise<T> {
    return this.store.read(work);
  }
}
