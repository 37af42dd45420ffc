import type { Database } from 'lmdb';
import { type ServerNodeLoad, type ServerNodeRow, ServerNodes } from '../../modules/nodes/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Server nodes by their addresses: a few rows. */
export class EmbeddedServerNodes extends ServerNodes {
  private readonly addresses: Database<ServerNodeRow, string>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.addresses = store.json('server-nodes');
  }

  async find(address: string): Promise<ServerNodeRow | undefined> {
    return this.store.read(() => this.addresses.get(address));
  }

  succeed(proposal: Omit<ServerNodeRow, 'beat'>): Promise<ServerNodeRow> {
    return this.store.writes.run(1, () => {
      const serverNodeId = this.addresses.get(proposal.address)?.serverNodeId ?? proposal.serverNodeId;
      const row = { ...proposal, serverNodeId, beat: 0 };
      void this.addresses.put(row.address, row);
      return row;
    });
  }

  beat(serverNodeId: string, bootId: string, load: ServerNodeLoad): Promise<boolean> {
    return this.store.writes.run(1, () => {
      const row = this.rowOf(serverNodeId, bootId);
      if (row) void this.addresses.put(row.address, { ...row, ...load, beat: row.beat + 1 });
      return row !== undefined;
    });
  }

  async all(): Promise<ServerNodeRow[]> {
    return this.store.read(() => this.rows());
  }

  release(serverNodeId: string, bootId: string, beat?: number): Promise<void> {
    return this.store.writes.run(1, () => {
      const row = this.rowOf(serverNodeId, bootId);
      if (row && (beat === undefined || row.beat === beat)) void this.addresses.remove(row.address);
    });
  }

  private rowOf(serverNodeId: string, bootId: string): ServerNodeRow | undefined {
    return this.rows().find((row) => row.serverNodeId === serverNodeId && row.bootId === bootId);
  }

  private rows(): ServerNodeRow[] {
    return Array.from(this.addresses.getRange(), ({ value }) => value);
  }
}
