import { expect, it } from 'vitest';
import { framesOf } from './server-frames.js';
import { historyOf, ShadowDisk } from './shadow-disk.js';
import { type Call, TraceReader } from './trace-reader.js';

const hex = (text: string, encoding: BufferEncoding = 'utf8'): string =>
  [...Buffer.from(text, encoding)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
const FILE = '/d/data.mdb';
const fd = (number: number, path = FILE): string => `${number}<${hex(path)}>`;
const opened = (number: number, flags = 'O_RDWR|O_CREAT'): string =>
  `1 openat(AT_FDCWD<${hex('/')}>, "${hex(FILE)}", ${flags}, 0664) = ${fd(number)}`;
const written = (text: string, offset: number, number = 3): string =>
  `1 pwrite64(${fd(number)}, "${hex(text)}", ${text.length}, ${offset}) = ${text.length}`;
const SYNCED = `1 fdatasync(${fd(3)}) = 0`;
const NAMED = [opened(3), `1 fsync(${fd(9, '/d')}) = 0`];

const sent = (part: string): string =>
  `1 write(5<${hex('socket:[7]')}>, "${hex(part, 'latin1')}", ${part.length}) = ${part.length}`;

function callsOf(lines: readonly string[]): Call[] {
  const reader = new TraceReader();
  for (const line of [...lines, '1 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 2']) reader.take(line);
  return reader.end();
}

/** What is found when the power goes behind the last line. */
function found(lines: readonly string[], survives = false): string | undefined {
  const disk = new ShadowDisk(historyOf(FILE, callsOf(lines)));
  return disk.imageAt(lines.length * 2 + 2, () => survives)?.toString();
}

it('keeps what was synced and loses what was not', () => {
  expect(found([...NAMED, written('abc', 0), SYNCED, written('XY', 1)])).toBe('abc');
  expect(found([...NAMED, written('abc', 0), SYNCED, written('XY', 1)], true)).toBe('aXY');
});

it('takes a sync for one of that only which was written before it began', () => {
  const began = `2 fdatasync(${fd(3)} <unfinished ...>`;
  const ended = '2 <... fdatasync resumed>) = 0';
  expect(found([...NAMED, began, written('abc', 0), ended])).toBe('');
  expect(found([...NAMED, written('abc', 0), began])).toBe('');
  expect(found([...NAMED, written('abc', 0), began, ended])).toBe('abc');
});

it('does not take a failed sync for one', () => {
  expect(found([...NAMED, written('abc', 0), `1 fdatasync(${fd(3)}) = -1 EIO (Input/output error)`])).toBe('');
});

it('takes what is written through for synced, and leaves the rest where it is', () => {
  const header = [opened(4, 'O_WRONLY|O_DSYNC'), written('H', 0, 4)];
  expect(found([...NAMED, written('abc', 0), ...header])).toBe('H');
});

it('follows the place of a descriptor', () => {
  const vector = `1 writev(${fd(3)}, [{iov_base="${hex('a')}", iov_len=1}, {iov_base="${hex('b')}", iov_len=1}], 2) = 2`;
  const seek = `1 lseek(${fd(3)}, 2, SEEK_SET) = 2`;
  expect(found([...NAMED, seek, vector, SYNCED])).toBe('\0\0ab');
});

it('loses a file whose name was never synced', () => {
  expect(found([opened(3), written('abc', 0), SYNCED])).toBeUndefined();
  expect(found([opened(3), written('abc', 0), SYNCED], true)).toBe('abc');
});

it('refuses to judge what it cannot follow', () => {
  const mapped = `1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, ${fd(3)}, 0) = 0x7f`;
  expect(() => found([...NAMED, mapped])).toThrow(/mapping/);
  expect(() => found([...NAMED, `1 fallocate(${fd(3)}, 0, 0, 9) = 0`])).toThrow(/fallocate/);
});

it('reads frames of a websocket over the borders of writes, and knows when the last byte left', () => {
  const text = '{"type":-112}';
  const frame = `${String.fromCharCode(0x81, text.length)}${text}`;
  const calls = callsOf([sent('HTTP/1.1 101 OK\r\n\r\n'), sent(frame.slice(0, 3)), sent(frame.slice(3) + frame)]);
  const frames = framesOf(calls);
  expect(frames.map(({ frame: { type } }) => type)).toEqual([-112, -112]);
  expect(frames[0]?.at).toBe(calls[2]?.enter);
});
