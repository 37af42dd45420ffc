import { type ConnectionRow, Directory } from '../directory.js';

/** Connections in memory; `questions` counts the look-ups. */
export class MemoryDirectory extends Directory {
  readonly rows: ConnectionRow[] = [];
  questions = 0;

  register(row: ConnectionRow): Promise<boolean> {
    this.rows.push(row);
    return Promise.resolve(true);
  }

  unregister(_: string, connectionId: string): Promise<void> {
    const at = this.rows.findIndex((row) => row.connectionId === connectionId);
    if (at >= 0) this.rows.splice(at, 1);
    return Promise.resolve();
  }

  of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    this.questions += 1;
    return Promise.resolve(nodeIds.map((nodeId) => this.rows.filter((row) => row.nodeId === nodeId)));
  }

  find(connectionId: string): Promise<ConnectionRow | undefined> {
    return Promise.resolve(this.rows.find((row) => row.connectionId === connectionId));
  }

  forgetOtherBoots(): Promise<number> {
    return Promise.resolve(0);
  }
}
