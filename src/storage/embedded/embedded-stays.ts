import type { Database } from 'lmdb';
import type { Stay } from '../../modules/sessions/index.js';
import type { EmbeddedStore } from './embedded-store.js';
import { checkKey } from './index-keys.js';
import { BEHIND } from './key-ranges.js';
import { latest } from './latest.js';

/** Where the end of a stay that lasts is sorted. */
const NEVER = Infinity;

/**
 * The stays of all groups, in the order of their ends: so those that count behind some entry lie together, however
 * many ended before it. Everything that raises runs inside a write transaction.
 */
export class EmbeddedStays {
  private readonly stays: Database<Stay, [log: string, end: number, nodeId: string, joined: number]>;
  /** To the end of the stay, null as long as it lasts. */
  private readonly ends: Database<{ left: number | null }, [log: string, nodeId: string, joined: number]>;
  /** Of stays that last. */
  private readonly byNode: Database<true, [nodeId: string, log: string, joined: number]>;
  private readonly aliases: Database<true, [log: string, alias: string]>;

  constructor(store: EmbeddedStore) {
    this.stays = store.json('stays');
    this.ends = store.json('stay-ends');
    this.byNode = store.json('stays-by-node');
    this.aliases = store.json('aliases');
  }

  /** Throws for one that the tables cannot take: inside a transaction it would be too late. */
  check(log: string, { nodeId, alias }: Stay): void {
    checkKey(log, nodeId);
    checkKey(log, alias ?? '');
  }

  endingBehind(log: string, after: number): Stay[] {
    const range = { start: [log, after + 1], end: [log, BEHIND] };
    return [...this.stays.getRange(range)].map(({ value }) => value);
  }

  of(log: string, nodeId: string): Stay[] {
    const range = { start: [log, nodeId], end: [log, nodeId, BEHIND] };
    const keys = [...this.ends.getRange(range)];
    return keys.map(({ key: [, , joined], value }) => this.stays.get([log, value.left ?? NEVER, nodeId, joined])!);
  }

  hasAlias(log: string, alias: string): boolean {
    return this.aliases.doesExist([log, alias]);
  }

  groupsOf(nodeId: string, after: string, limit: number): string[] {
    const found: string[] = [];
    let next = this.groupBehind(nodeId, after);
    while (next !== undefined && found.length < limit) {
      found.push(next);
      next = this.groupBehind(nodeId, next);
    }
    return found;
  }

  private groupBehind(nodeId: string, after: string): string | undefined {
    const range = { start: [nodeId, after, BEHIND], end: [nodeId, BEHIND], limit: 1 };
    for (const [, log] of this.byNode.getKeys(range)) return log;
    return undefined;
  }

  /** Writes the stay, or what is newer in it than in the one that is there. */
  raise(log: string, news: Stay): void {
    const known = this.known(log, news);
    if (!known) return this.add(log, news);
    const left = latest(known.left, news.left);
    const revealed = latest(known.revealed, news.revealed);
    const issuedAt = Math.max(known.issuedAt, news.issuedAt);
    if (left === known.left && revealed === known.revealed && issuedAt === known.issuedAt) return;
    if (left !== known.left) this.moveEnd(log, known, left);
    this.put(log, { ...known, left, revealed, issuedAt });
  }

  private known(log: string, { nodeId, joined }: Stay): Stay | undefined {
    const end = this.ends.get([log, nodeId, joined]);
    return end && this.stays.get([log, end.left ?? NEVER, nodeId, joined]);
  }

  private add(log: string, stay: Stay): void {
    const { nodeId, joined, left, alias } = stay;
    void this.ends.put([log, nodeId, joined], { left });
    if (left === null) void this.byNode.put([nodeId, log, joined], true);
    if (alias !== null) void this.aliases.put([log, alias], true);
    this.put(log, stay);
  }

  private moveEnd(log: string, { nodeId, joined, left: before }: Stay, left: number | null): void {
    void this.stays.remove([log, before ?? NEVER, nodeId, joined]);
    void this.ends.put([log, nodeId, joined], { left });
    if (before === null) void this.byNode.remove([nodeId, log, joined]);
  }

  private put(log: string, stay: Stay): void {
    void this.stays.put([log, stay.left ?? NEVER, stay.nodeId, stay.joined], stay);
  }
}
