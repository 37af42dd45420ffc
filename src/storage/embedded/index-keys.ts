/*
 * Keys of the index tables. The log's length goes first, so that no log's keys can be mistaken for another's whatever
 * characters it holds, and all keys of a log lie together.
 */
const MAX_KEY_BYTES = 1_900;

/** `log` as it sorts by itself. */
export function logKey(log: string): Buffer {
  return Buffer.from(log);
}

/** (log, n): sorts by n within the log. */
export function placeKey(log: string, n: number): Buffer {
  const key = prefixed(log, 8);
  key.writeBigUInt64BE(BigInt(n), key.length - 8);
  return key;
}

export function nOfPlaceKey(key: Uint8Array): number {
  return Number(Buffer.from(key).readBigUInt64BE(key.length - 8));
}

/** (log, message key). */
export function messageKey(log: string, key: string): Buffer {
  const text = log + key;
  const bytes = Buffer.allocUnsafe(2 + text.length * 3);
  const written = bytes.write(text, 2);
  bytes.writeUInt16BE(log.length, 0);
  return bytes.subarray(0, 2 + written);
}

/** Sorts behind all keys that begin with the prefix, go on with digits and letters, and before all others. */
export function behindKeys(prefix: string): string {
  return `${prefix}~`;
}

/** A log and key that the index cannot take must be refused before anything of their row is written. */
export function checkKey(log: string, key: string): void {
  const length = log.length + key.length;
  if (length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(log + key) <= MAX_KEY_BYTES) return;
  throw new RangeError(`log and key take more than ${MAX_KEY_BYTES} bytes together`);
}

function prefixed(log: string, extra: number): Buffer {
  const size = Buffer.byteLength(log);
  const key = Buffer.allocUnsafe(2 + size + extra);
  key.writeUInt16BE(log.length, 0);
  key.write(log, 2);
  return key;
}
