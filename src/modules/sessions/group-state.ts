import type { LogRow } from '../inbox/index.js';
import { decodeEntry, type Entry, type Seating } from './group-entry.js';
import type { GroupRecord, Stay } from './group-log.js';
import type { Terms } from './sessions.types.js';

/**
 * What a group's log adds up to at one of its entries. Built from the projection and the entries behind `driven`; the
 * projection may run ahead of them, so applying what it has already changes nothing.
 */
export class GroupState {
  /** The last entry that was applied. */
  n = 0;
  /** Up to here all members have what is theirs. */
  driven: number;
  /** Monotonic ms: when it was last known to be at the tail. */
  checkedAt = -Infinity;
  /** Monotonic ms: when somebody last asked for it. */
  usedAt = 0;
  /** Entries that this process appended and did not drive yet. */
  readonly own = new Map<number, LogRow>();
  /** Characters of them. */
  ownSize = 0;
  isDriving = false;
  /** Stays that the projection may lack, by node and entry. */
  readonly unprojected = new Map<string, Stay>();
  recordUnprojected = false;
  private readonly stays = new Map<string, Stay[]>();
  private readonly byName = new Map<string, string>();
  private settled: Terms | undefined;
  private count = 0;

  constructor(
    readonly log: string,
    driven: number,
    public record: GroupRecord | undefined,
    stays: readonly Stay[],
  ) {
    this.n = this.driven = driven;
    // An order that tells nothing of who sits in an anonymous seat: the members are sent to in it.
    for (const stay of stays.toSorted((one, other) => newestFirst(other, one))) this.keep(stay);
  }

  get exists(): boolean {
    return this.n > 0;
  }

  get hasEnded(): boolean {
    return this.record?.ended != null;
  }

  /** Members. */
  get size(): number {
    return this.count;
  }

  /** What was settled when it was created; of a session only. */
  get terms(): Terms {
    return (this.settled ??= JSON.parse(this.record?.created ?? '{}') as Terms);
  }

  /** The stay that lasts. */
  stayOf(nodeId: string): Stay | undefined {
    const last = this.stays.get(nodeId)?.at(-1);
    return last?.left === null ? last : undefined;
  }

  staysOf(nodeId: string): readonly Stay[] {
    return this.stays.get(nodeId) ?? [];
  }

  /** The latest stay, whether it lasts or not. */
  latestOf(nodeId: string): Stay | undefined {
    return this.stays.get(nodeId)?.at(-1);
  }

  /** The member that others may address so: by its alias, even after it revealed itself, or by its node id if it is seen. */
  named(name: string): Stay | undefined {
    const nodeId = this.byName.get(name);
    if (nodeId !== undefined) return this.stayOf(nodeId);
    const stay = this.stayOf(name);
    return stay && !isHidden(stay) ? stay : undefined;
  }

  /** Whether a stay that is known here has this alias, ended ones included. */
  hasAlias(alias: string): boolean {
    for (const stays of this.stays.values()) if (stays.some((stay) => stay.alias === alias)) return true;
    return false;
  }

  *members(): Generator<Stay, void> {
    for (const [nodeId] of this.stays) {
      const stay = this.stayOf(nodeId);
      if (stay) yield stay;
    }
  }

  get hasAnonymous(): boolean {
    for (const stay of this.members()) if (isHidden(stay)) return true;
    return false;
  }

  /** An entry of this process, for its driver. */
  keepOwn(row: LogRow): void {
    this.own.set(row.n, row);
    this.ownSize += row.body.length;
  }

  /** Everything up to there is driven. */
  raiseDriven(n: number): void {
    for (const row of this.own.values()) {
      if (row.n > n) continue;
      this.own.delete(row.n);
      this.ownSize -= row.body.length;
    }
    this.driven = n;
  }

  /** Applies the next entry; one that was applied before changes nothing. */
  apply({ n, at, body }: LogRow): void {
    if (n !== this.n + 1) return;
    this.n = n;
    this.applyEntry(n, at, decodeEntry(body));
  }

  private applyEntry(n: number, at: number, entry: Entry): void {
    switch (entry.kind) {
      case 'created':
        this.record ??= { created: JSON.stringify(entry.terms ?? {}), createdAt: at, ended: null };
        this.recordUnprojected = true;
        for (const seat of entry.seats) this.join(n, seat);
        return;
      case 'joined':
        return this.join(n, entry.seat);
      case 'left':
        return this.leave(n, entry.nodeId, entry.issuedAt);
      case 'revealed':
        return this.change(n, entry.nodeId, (stay) => ({ ...stay, revealed: stay.revealed ?? n }));
      case 'unchanged':
        return this.fence(n, entry.nodeId, entry.issuedAt ?? 0);
      case 'ended':
        return this.end(n);
      case 'message':
    }
  }

  private end(n: number): void {
    this.record = { ...this.record!, ended: n };
    this.recordUnprojected = true;
    for (const { nodeId } of this.members()) this.leave(n, nodeId);
  }

  private join(n: number, { nodeId, alias, issuedAt = 0 }: Seating): void {
    if (this.stays.get(nodeId)?.some(({ joined }) => joined === n)) return;
    this.write({ nodeId, joined: n, left: null, alias, revealed: null, issuedAt });
  }

  private leave(n: number, nodeId: string, issuedAt = 0): void {
    this.change(n, nodeId, (stay) => ({ ...stay, left: stay.left ?? n, issuedAt: Math.max(stay.issuedAt, issuedAt) }));
  }

  /** A node that was no member and left all the same: what an older key of it wants later is known as too late. */
  private fence(n: number, nodeId: string, issuedAt: number): void {
    if (issuedAt === 0) return;
    if (this.latestOf(nodeId))
      return this.change(n, nodeId, (stay) => ({ ...stay, issuedAt: Math.max(stay.issuedAt, issuedAt) }));
    this.write({ nodeId, joined: n, left: n, alias: null, revealed: null, issuedAt });
  }

  /** Changes the stay that lasted when entry n came; what ran ahead of the entries is changed already. */
  private change(n: number, nodeId: string, to: (stay: Stay) => Stay): void {
    const before = this.stays.get(nodeId)?.findLast(({ joined }) => joined < n);
    if (before && (before.left === null || before.left >= n || before.issuedAt > 0)) this.write(to(before));
  }

  private write(stay: Stay): void {
    this.keep(stay);
    this.unprojected.set(`${stay.nodeId} ${stay.joined}`, stay);
  }

  private keep(stay: Stay): void {
    const { nodeId, alias } = stay;
    const lasted = this.stayOf(nodeId) !== undefined;
    const others = (this.stays.get(nodeId) ?? []).filter(({ joined }) => joined !== stay.joined);
    this.stays.set(
      nodeId,
      [...others, stay].toSorted((one, other) => one.joined - other.joined),
    );
    this.count += Number(this.stayOf(nodeId) !== undefined) - Number(lasted);
    if (alias === null) return;
    if (this.stayOf(nodeId)?.alias === alias) this.byName.set(alias, nodeId);
    else this.byName.delete(alias);
  }

  /** Somebody projected what changed up to n. Of what a key changed in a client no entry is kept: that may be later. */
  projectedUpTo(n: number): void {
    for (const [key, { joined, left, revealed, issuedAt }] of this.unprojected) {
      if (issuedAt === 0 && Math.max(joined, left ?? 0, revealed ?? 0) <= n) this.unprojected.delete(key);
    }
  }

  /** Forgets stays that ended before what is still to be driven, except the latest of each node of a client. */
  forgetEnded(keepLatest: boolean): void {
    for (const [nodeId, stays] of this.stays) {
      const kept = stays.filter((stay, at) => {
        const isLatest = keepLatest && at === stays.length - 1;
        return (
          stay.left === null || stay.left > this.driven || isLatest || this.unprojected.has(`${nodeId} ${stay.joined}`)
        );
      });
      if (kept.length === 0) this.stays.delete(nodeId);
      else if (kept.length < stays.length) this.stays.set(nodeId, kept);
    }
  }

  /** The nodes that entry n is for. `eventsMembers`: up to so many members hear what happens. */
  audience(n: number, entry: Entry, eventsMembers: number): string[] {
    if (entry.frame === '') return [];
    if (entry.kind === 'message') return entry.to ? [entry.to.nodeId] : this.hearers(n, entry.from);
    const own = entry.kind === 'joined' ? entry.seat.nodeId : entry.kind === 'left' ? entry.nodeId : undefined;
    const present = this.covering(entry.kind === 'ended' ? n - 1 : n).map(({ nodeId }) => nodeId);
    if (present.length > eventsMembers) return own === undefined ? [] : [own];
    return entry.kind === 'left' ? [...present, entry.nodeId] : present;
  }

  private hearers(n: number, from: string): string[] {
    const notifyLimit = this.terms.notifyLimit ?? 0;
    const covering = this.covering(n);
    const newest = notifyLimit === 0 ? covering : covering.toSorted(newestFirst).slice(0, notifyLimit);
    return newest.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== from);
  }

  private covering(n: number): Stay[] {
    const covering: Stay[] = [];
    for (const stays of this.stays.values()) for (const stay of stays) if (covers(stay, n)) covering.push(stay);
    return covering;
  }
}

/** Whether the others know it by its alias only. */
export function isHidden({ alias, revealed }: Stay): boolean {
  return alias !== null && revealed === null;
}

/** What the others know it by. */
export function nameOf(stay: Stay): string {
  return isHidden(stay) ? stay.alias! : stay.nodeId;
}

/** One order for all processes, also of those who came at once: and none that tells who sits in an anonymous seat. */
function newestFirst(one: Stay, other: Stay): number {
  const isFirst = (one.alias ?? one.nodeId) < (other.alias ?? other.nodeId);
  return other.joined - one.joined || (isFirst ? -1 : 1);
}

function covers({ joined, left }: Stay, n: number): boolean {
  return joined <= n && (left === null || n < left);
}
