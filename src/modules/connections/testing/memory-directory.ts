import { type ConnectionRow, Directory } from '../directory.js';

/** A directory in memory; can be told to be away, or to lose its answers. `questions` counts the look-ups of nodes. */
export class MemoryDirectory extends Directory {
  rows: ConnectionRow[] = [];
  losesAnswers = false;
  isAway = false;
  questions = 0;
  /** Called before each registration is written. */
  beforeRegister: (row: ConnectionRow) => void = () => {};

  async register(row: ConnectionRow, limit: number): Promise<boolean> {
    this.check();
    this.beforeRegister(row);
    const others = this.rows.filter((other) => other.connectionId !== row.connectionId);
    const placed = others.filter(({ nodeId, moving }) => nodeId === row.nodeId && !moving);
    if (!row.moving && placed.length >= limit) return false;
    this.rows = [...others, row];
    if (this.losesAnswers) throw new Error('the answer was lost');
    return true;
  }

  async unregister(nodeId: string, connectionId: string): Promise<void> {
    this.check();
    this.rows = this.rows.filter((row) => row.nodeId !== nodeId || row.connectionId !== connectionId);
  }

  async of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    this.check();
    this.questions += 1;
    return nodeIds.map((nodeId) => this.rows.filter((row) => row.nodeId === nodeId));
  }

  async find(connectionId: string): Promise<ConnectionRow | undefined> {
    this.check();
    return this.rows.find((row) => row.connectionId === connectionId);
  }

  async boots(): Promise<string[]> {
    this.check();
    return [...new Set(this.rows.map(({ bootId }) => bootId))];
  }

  async forgetBoot(bootId: string): Promise<number> {
    this.check();
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => row.bootId !== bootId);
    return before - this.rows.length;
  }

  private check(): void {
    if (this.isAway) throw new Error('the store is away');
  }
}
