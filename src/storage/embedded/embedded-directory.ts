import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from 'lmdb';
import { type ConnectionRow, Directory } from '../../modules/connections/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Nodes that one transaction cleans. */
const FORGET_NODES = 256;
/** Nodes that are looked at in one turn of the event loop. */
const SCAN_NODES = 1_000;

/** Connections, all of a node in one record. */
export class EmbeddedDirectory extends Directory {
  private readonly nodes: Database<ConnectionRow[], string>;
  /** The node of each connection. */
  private readonly nodeOf: Database<string, string>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.nodes = store.json('connections');
    this.nodeOf = store.json('connection-nodes');
  }

  register(row: ConnectionRow, limit: number): Promise<boolean> {
    return this.store.writes.run(1, () => {
      const others = this.rowsOf(row.nodeId).filter((other) => other.connectionId !== row.connectionId);
      if (!row.moving && others.filter(({ moving }) => !moving).length >= limit) return false;
      void this.nodes.put(row.nodeId, [...others, row]);
      void this.nodeOf.put(row.connectionId, row.nodeId);
      return true;
    });
  }

  unregister(nodeId: string, connectionId: string): Promise<void> {
    return this.store.writes.run(1, () => void this.keepOnly(nodeId, (row) => row.connectionId !== connectionId));
  }

  async of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    return this.store.read(() => nodeIds.map((nodeId) => this.rowsOf(nodeId)));
  }

  async find(connectionId: string): Promise<ConnectionRow | undefined> {
    return this.store.read(() => {
      const nodeId = this.nodeOf.get(connectionId);
      return nodeId === undefined ? undefined : this.rowsOf(nodeId).find((row) => row.connectionId === connectionId);
    });
  }

  async boots(): Promise<string[]> {
    const boots = new Set<string>();
    await this.scan((_, rows) => rows.forEach(({ bootId }) => boots.add(bootId)));
    return [...boots];
  }

  async forgetBoot(bootId: string): Promise<number> {
    const nodeIds: string[] = [];
    await this.scan((nodeId, rows) => {
      if (rows.some((row) => row.bootId === bootId)) nodeIds.push(nodeId);
    });
    let forgotten = 0;
    for (let i = 0; i < nodeIds.length; i += FORGET_NODES) {
      const chunk = nodeIds.slice(i, i + FORGET_NODES);
      forgotten += await this.store.writes.run(chunk.length, () => this.removeFrom(chunk, bootId));
    }
    return forgotten;
  }

  /** Shows all nodes, not all of them at one moment. */
  private async scan(see: (nodeId: string, rows: readonly ConnectionRow[]) => void): Promise<void> {
    let last: string | undefined;
    for (;;) {
      const range = { limit: SCAN_NODES, ...(last !== undefined && { start: last, exclusiveStart: true }) };
      const entries = this.store.read(() => [...this.nodes.getRange(range)]);
      for (const { key, value } of entries) see(key, value);
      if (entries.length < SCAN_NODES) return;
      last = entries.at(-1)?.key;
      await nextTurn();
    }
  }

  private removeFrom(nodeIds: readonly string[], bootId: string): number {
    let removed = 0;
    for (const nodeId of nodeIds) removed += this.keepOnly(nodeId, (row) => row.bootId !== bootId);
    return removed;
  }

  private keepOnly(nodeId: string, wanted: (row: ConnectionRow) => boolean): number {
    const rows = this.rowsOf(nodeId);
    const kept = rows.filter(wanted);
    if (kept.length === rows.length) return 0;
    for (const row of rows) if (!kept.includes(row)) void this.nodeOf.remove(row.connectionId);
    if (kept.length > 0) void this.nodes.put(nodeId, kept);
    else void this.nodes.remove(nodeId);
    return rows.length - kept.length;
  }

  private rowsOf(nodeId: string): ConnectionRow[] {
    return this.nodes.get(nodeId) ?? [];
  }
}
