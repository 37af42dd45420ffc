import type { HintedRow, PeerFrame } from '../modules/routing/index.js';

/** Stands for what a row has beside ids and body: numbers, quotes and commas. */
const ROW_BYTES = 96;
const FRAME_BYTES = 24;
const ID_BYTES = 3;

/**
 * Frames that travel as one message: a line of JSON, then all bodies one after the other as they are. The line says how
 * long each body is and names bodies by their position, so that one which many rows share is there once, and none is
 * ever quoted. What reads it is `readBatch`.
 */
export class LinkBatch {
  private readonly frames: unknown[][] = [];
  private readonly bodies: string[] = [];
  private readonly positions = new Map<string, number>();
  private weight = 0;

  /** Bytes that it takes on the wire, the line estimated. */
  get bytes(): number {
    return this.weight;
  }

  get size(): number {
    return this.frames.length;
  }

  add(frame: PeerFrame): void {
    this.weight += FRAME_BYTES;
    switch (frame.kind) {
      case 'rows':
        return this.addRows(frame.rows);
      case 'notices':
        return this.put(['n', ...frame.notices.flatMap(({ nodeId, n }) => [this.id(nodeId), n])]);
      case 'frame': {
        const body = this.position(frame.frame);
        return this.put(['f', frame.hops, body, ...frame.nodeIds.map((id) => this.id(id))]);
      }
      case 'moved':
        return this.put(['m', ...frame.nodeIds.map((id) => this.id(id))]);
    }
  }

  text(): string {
    const lengths = this.bodies.map((body) => body.length);
    return `${JSON.stringify([lengths, ...this.frames])}\n${this.bodies.join('')}`;
  }

  private addRows(rows: readonly HintedRow[]): void {
    const frame: unknown[] = ['r'];
    for (const { log, n, at, key, totals, report, body } of rows) {
      this.weight += ROW_BYTES + log.length + key.length;
      frame.push(log, n, at, key, totals.count, totals.bytes, report ? 1 : 0, this.position(body));
    }
    this.put(frame);
  }

  private put(frame: unknown[]): void {
    this.frames.push(frame);
  }

  private id(id: string): string {
    this.weight += ID_BYTES + id.length;
    return id;
  }

  private position(body: string): number {
    const present = this.positions.get(body);
    if (present !== undefined) return present;
    this.weight += Buffer.byteLength(body);
    this.positions.set(body, this.bodies.length);
    return this.bodies.push(body) - 1;
  }
}
