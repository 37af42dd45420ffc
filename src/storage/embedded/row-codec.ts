import type { LogRow, RowHead } from '../../modules/inbox/index.js';

/*
 * A journal row, numbers big-endian:
 * n, at, totals.count, totals.bytes (float64 each) · flags (1) · bytes of log, key, digest, writer (2 each) · those
 * four texts · body up to the end. All texts UTF-8. The body is last, so that it is dropped by cutting the row off.
 */
const LENGTHS_AT = 33;
const TEXTS_AT = LENGTHS_AT + 8;
const REPORT = 1;

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** The encoded row, in a buffer that the next call uses again. */
export function encodeRow(row: LogRow): Buffer {
  const text = row.log + row.key + row.digest + row.writer + row.body;
  reserve(TEXTS_AT + text.length * 3);
  const written = scratch.write(text, TEXTS_AT);
  scratch.writeDoubleBE(row.n, 0);
  scratch.writeDoubleBE(row.at, 8);
  scratch.writeDoubleBE(row.totals.count, 16);
  scratch.writeDoubleBE(row.totals.bytes, 24);
  scratch[32] = row.report ? REPORT : 0;
  const isAscii = written === text.length;
  writeLengths(isAscii ? (part) => part.length : (part) => Buffer.byteLength(part), row);
  return scratch.subarray(0, TEXTS_AT + written);
}

function reserve(size: number): void {
  if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size * 2);
}

function writeLengths(lengthOf: (text: string) => number, row: LogRow): void {
  scratch.writeUInt16BE(lengthOf(row.log), LENGTHS_AT);
  scratch.writeUInt16BE(lengthOf(row.key), LENGTHS_AT + 2);
  scratch.writeUInt16BE(lengthOf(row.digest), LENGTHS_AT + 4);
  scratch.writeUInt16BE(lengthOf(row.writer), LENGTHS_AT + 6);
}

/** One encoded row, read field by field: most readers need few of them. */
export class EncodedRow {
  private readonly keyAt: number;
  private readonly digestAt: number;
  private readonly writerAt: number;
  private readonly bodyAt: number;

  /** `bytes` may be longer than the row, which ends at `length`. */
  constructor(
    private readonly bytes: Buffer,
    private readonly length: number,
  ) {
    this.keyAt = TEXTS_AT + bytes.readUInt16BE(LENGTHS_AT);
    this.digestAt = this.keyAt + bytes.readUInt16BE(LENGTHS_AT + 2);
    this.writerAt = this.digestAt + bytes.readUInt16BE(LENGTHS_AT + 4);
    this.bodyAt = this.writerAt + bytes.readUInt16BE(LENGTHS_AT + 6);
  }

  get n(): number {
    return this.bytes.readDoubleBE(0);
  }

  get at(): number {
    return this.bytes.readDoubleBE(8);
  }

  get log(): string {
    return this.bytes.toString('utf8', TEXTS_AT, this.keyAt);
  }

  get key(): string {
    return this.bytes.toString('utf8', this.keyAt, this.digestAt);
  }

  get bodyBytes(): number {
    return this.length - this.bodyAt;
  }

  head(): RowHead {
    return {
      log: this.log,
      n: this.n,
      key: this.key,
      digest: this.bytes.toString('utf8', this.digestAt, this.writerAt),
      writer: this.bytes.toString('utf8', this.writerAt, this.bodyAt),
      at: this.at,
      totals: { count: this.bytes.readDoubleBE(16), bytes: this.bytes.readDoubleBE(24) },
      report: this.bytes[32] === REPORT,
    };
  }

  /** The body first: what V8 makes of a spread that something is added to outlives young collections (seen on Node 20). */
  row(): LogRow {
    return { body: this.bytes.toString('utf8', this.bodyAt, this.length), ...this.head() };
  }

  /** The same row with an empty body, as bytes of its own. */
  withoutBody(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.bodyAt));
  }
}
