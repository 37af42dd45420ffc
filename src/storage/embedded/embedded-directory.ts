import type { Database } from 'lmdb';
import { type ConnectionRow, Directory } from '../../modules/connections/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Nodes that one transaction cleans. */
const FORGET_NODES = 256;

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
      if (others.length >= limit) return false;
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

  async forgetOtherBoots(serverNodeId: string, bootId: string): Promise<number> {
    const isStale = (row: ConnectionRow): boolean => row.serverNodeId === serverNodeId && row.bootId !== bootId;
    const nodeIds = this.store.read(() => this.nodesWith(isStale));
    let forgotten = 0;
    for (let i = 0; i < nodeIds.length; i += FORGET_NODES) {
      const chunk = nodeIds.slice(i, i + FORGET_NODES);
      forgotten += await this.store.writes.run(chunk.length, () => this.removeFrom(chunk, isStale));
    }
    return forgotten;
  }

  private nodesWith(wanted: (row: ConnectionRow) => boolean): string[] {
    const found: string[] = [];
    for (const { key, value } of this.nodes.getRange()) if (value.some(wanted)) found.push(key);
    return found;
  }

  private removeFrom(nodeIds: readonly string[], unwanted: (row: ConnectionRow) => boolean): number {
    let removed = 0;
    for (const nodeId of nodeIds) removed += this.keepOnly(nodeId, (row) => !unwanted(row));
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
