import type { PeerFrame } from '../modules/routing/index.js';
import { LinkBatch } from './link-batch.js';
import type { PeerFigures } from './link-figures.js';

/** The part of a socket that the queue needs. `done` is called when the bytes have left this process. */
export interface LinkSink {
  readonly bufferedAmount: number;
  /** The largest message that the peer takes, bytes. */
  readonly maxBytes: number;
  write(bytes: Buffer, done: () => void): void;
}

/**
 * One message is so big at most, unless one row is. More than that is not given to the socket either while it has that
 * much: a ping stands behind all that the socket holds, and has to be answered in time however slow the line is.
 */
const PIECE_BYTES = 256 * 1024;

/** Frames on their way to one peer: those of one turn of the event loop leave together. */
export class LinkQueue {
  private batches: LinkBatch[] = [];
  private queued = 0;
  private scheduled = false;
  private sink: LinkSink | undefined;

  constructor(
    private readonly limitBytes: number,
    private readonly figures: PeerFigures,
  ) {}

  /** Bytes that have not left this process. */
  get bytes(): number {
    return this.queued + (this.sink?.bufferedAmount ?? 0);
  }

  /** False: too much waits already. */
  push(frame: PeerFrame): boolean {
    if (this.bytes >= this.limitBytes) {
      this.figures.dropped('full');
      return false;
    }
    if (frame.kind === 'rows') this.pushRows(frame.rows);
    else this.add(frame);
    this.schedule();
    return true;
  }

  /** From now on frames go out. */
  open(sink: LinkSink): void {
    this.sink = sink;
    this.schedule();
  }

  /** Writes all that waits, for a close frame follows. */
  finish(): void {
    while (this.sink && this.batches.length > 0) this.writeNext(this.sink);
  }

  /** The socket is gone, and with it what waited. Answers how many frames that were. */
  lose(): number {
    const lost = this.batches.reduce((sum, { size }) => sum + size, 0);
    this.figures.dropped('lost', lost);
    this.batches = [];
    this.queued = 0;
    this.sink = undefined;
    return lost;
  }

  /** A frame of many rows may have to go as several. */
  private pushRows(rows: Extract<PeerFrame, { kind: 'rows' }>['rows']): void {
    let from = 0;
    let bytes = 0;
    let before: string | undefined;
    for (const [index, { body }] of rows.entries()) {
      if (body !== before) bytes += body.length;
      before = body;
      if (bytes <= PIECE_BYTES || index === from) continue;
      this.add({ kind: 'rows', rows: rows.slice(from, index) });
      from = index;
      bytes = body.length;
    }
    this.add({ kind: 'rows', rows: from === 0 ? rows : rows.slice(from) });
  }

  private add(frame: PeerFrame): void {
    const batch = this.roomy();
    this.queued -= batch.bytes;
    batch.add(frame);
    this.queued += batch.bytes;
  }

  private roomy(): LinkBatch {
    const last = this.batches.at(-1);
    if (last && last.bytes < PIECE_BYTES) return last;
    const batch = new LinkBatch();
    this.batches.push(batch);
    return batch;
  }

  private schedule(): void {
    if (this.scheduled || !this.sink) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private readonly flush = (): void => {
    while (this.batches.length > 0) {
      if (!this.sink || this.sink.bufferedAmount >= PIECE_BYTES) return;
      this.writeNext(this.sink);
    }
  };

  private writeNext(sink: LinkSink): void {
    const batch = this.batches.shift() as LinkBatch;
    this.queued -= batch.bytes;
    const bytes = Buffer.from(batch.text());
    if (bytes.length > sink.maxBytes) return this.figures.dropped('too_big', batch.size);
    this.figures.framesSent += batch.size;
    this.figures.bytesSent += bytes.length;
    sink.write(bytes, this.flush);
  }
}
