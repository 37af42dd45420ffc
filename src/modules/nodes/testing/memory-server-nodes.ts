import { type ServerNodeLoad, type ServerNodeRow, ServerNodes } from '../server-nodes.js';

/** A registry in memory, for any number of server nodes in one test; can be told to be away. */
export class MemoryServerNodes extends ServerNodes {
  readonly rows = new Map<string, ServerNodeRow>();
  isAway = false;
  /** Nothing is written, though everything can be read. */
  isReadOnly = false;
  /** The next answer to `succeed` is lost. */
  losesAnswer = false;
  reads = 0;
  /** Called before each release is done; may throw. */
  beforeRelease: () => void = () => {};

  async find(address: string): Promise<ServerNodeRow | undefined> {
    this.check();
    return this.rows.get(address);
  }

  async succeed(proposal: Omit<ServerNodeRow, 'beat'>): Promise<ServerNodeRow> {
    this.check('writing');
    const serverNodeId = this.rows.get(proposal.address)?.serverNodeId ?? proposal.serverNodeId;
    const row = { ...proposal, serverNodeId, beat: 0 };
    this.rows.set(row.address, row);
    if (!this.losesAnswer) return row;
    this.losesAnswer = false;
    throw new Error('the answer was lost');
  }

  async beat(serverNodeId: string, bootId: string, load: ServerNodeLoad): Promise<boolean> {
    this.check('writing');
    const row = this.held(serverNodeId, bootId);
    if (row) this.rows.set(row.address, { ...row, ...load, beat: row.beat + 1 });
    return row !== undefined;
  }

  async all(): Promise<ServerNodeRow[]> {
    this.reads += 1;
    this.check();
    return [...this.rows.values()];
  }

  async release(serverNodeId: string, bootId: string, beat?: number): Promise<void> {
    this.check('writing');
    this.beforeRelease();
    const row = this.held(serverNodeId, bootId);
    if (row && (beat === undefined || row.beat === beat)) this.rows.delete(row.address);
  }

  private held(serverNodeId: string, bootId: string): ServerNodeRow | undefined {
    return [...this.rows.values()].find((row) => row.serverNodeId === serverNodeId && row.bootId === bootId);
  }

  private check(what: 'reading' | 'writing' = 'reading'): void {
    if (this.isAway || (this.isReadOnly && what === 'writing')) throw new Error('the store is away');
  }
}
