import type { Database } from 'lmdb';
import type { OpenEntry } from '../../modules/sessions/index.js';
import { BEHIND } from './key-ranges.js';

type OpenKey = [log: string, n: number];

/** Which entries of groups were not driven yet. Everything that changes it runs inside a write transaction. */
export class OpenEntries {
  constructor(private readonly table: Database<true, OpenKey>) {}

  add(log: string, n: number): void {
    void this.table.put([log, n], true);
  }

  /** The first of each log behind `after`. */
  firsts(after: string, limit: number): OpenEntry[] {
    const found: OpenEntry[] = [];
    for (let next = this.firstBehind(after); next && found.length < limit; next = this.firstBehind(next.log)) {
      found.push(next);
    }
    return found;
  }

  private firstBehind(after: string): OpenEntry | undefined {
    for (const [log, n] of this.table.getKeys({ start: [after, BEHIND], limit: 1 })) return { log, n };
    return undefined;
  }

  /** Takes out so many of a log at most; answers whether there may be more. */
  close(log: string, upTo: number, limit: number): boolean {
    const closed = [...this.table.getKeys({ start: [log], end: [log, upTo + 1], limit })];
    for (const key of closed) void this.table.remove(key);
    return closed.length === limit;
  }
}
