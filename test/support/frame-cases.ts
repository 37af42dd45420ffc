import { clientFrame, closeFrame, type FrameForm, OPCODE } from './raw-socket.js';

/** One answer on the connection; a field that is not named must not be there. */
export interface ExpectedAnswer {
  readonly type: number;
  readonly code?: string;
  readonly field?: string;
  readonly id?: string;
}

export interface FrameCase {
  readonly title: string;
  readonly bytes: Buffer;
  /** Exactly this code ends the connection; 1006: it ends without a close frame. */
  readonly closes?: number;
  /** The connection stays open, and these text frames come in this order. */
  readonly answers?: readonly ExpectedAnswer[];
  /** Pongs that come before anything else. */
  readonly pongs?: number;
  /** What these pongs carry; not looked at by default. */
  readonly echo?: Buffer;
}

export const MAX_FRAME_BYTES = 64 * 1024;
export const MAX_FRAGMENTS = 64;
export const MAX_DEPTH = 32;
export const MAX_KEYS = 64;

export const PROBE = '{"type":-120,"id":"p"}';
export const HERE = { type: -121, id: 'p' };
const { continuation, text, binary, close, ping, pong } = OPCODE;

export function hex(bytes: string): Buffer {
  return Buffer.from(bytes.replaceAll(' ', ''), 'hex');
}

function closes(code: number, title: string, ...bytes: readonly Buffer[]): FrameCase {
  return { title, bytes: Buffer.concat(bytes), closes: code };
}

function answered(title: string, ...bytes: readonly Buffer[]): FrameCase {
  return { title, bytes: Buffer.concat(bytes), answers: [HERE] };
}

/** The payload as one message in pieces of the length. */
export function fragments(payload: string | Buffer, length: number, opcode: number = text): Buffer[] {
  const body = Buffer.from(payload);
  const count = Math.ceil(body.length / length);
  return Array.from({ length: count }, (_none, index) =>
    clientFrame(body.subarray(index * length, (index + 1) * length), {
      opcode: index === 0 ? opcode : continuation,
      fin: index === count - 1,
    }),
  );
}

/** A frame whose length stands in more bytes than it needs. */
function widened(payload: string, width: 16 | 64): Buffer {
  const body = Buffer.from(payload);
  const length = Buffer.alloc(width / 8);
  length.writeUInt16BE(body.length, length.length - 2);
  const head = Buffer.from([0x80 | text, 0x80 | (width === 16 ? 126 : 127)]);
  return Buffer.concat([head, length, Buffer.alloc(4), body]);
}

/** The probe with white space behind it, up to so many bytes. */
export function padded(bytes: number): string {
  return PROBE.padEnd(bytes, ' ');
}

const NOT_UTF8 = {
  'a lone continuation byte': '80',
  'a byte that is never used': 'ff',
  'an overlong slash': 'c0 af',
  'an overlong NUL': 'c0 80',
  'an overlong three-byte form': 'e0 80 80',
  'a high surrogate': 'ed a0 80',
  'a low surrogate': 'ed bf bf',
  'a character beyond the last': 'f4 90 80 80',
  'a five-byte form': 'f8 88 80 80 80',
  'a character that is cut off': '22 e2 82',
  'a good text with one bad byte': '7b 22 61 22 3a 22 c3 28 22 7d',
};

function utf8Cases(): FrameCase[] {
  const euro = hex('22 e2 82 ac 22');
  return [
    ...Object.entries(NOT_UTF8).map(([what, bytes]) => closes(1007, `text with ${what}`, clientFrame(hex(bytes)))),
    ...Object.entries(NOT_UTF8)
      .slice(0, 3)
      .map(([what, bytes]) => closes(1007, `a close reason with ${what}`, closeBytes('03 e8', bytes))),
    closes(1007, 'bad UTF-8 over two fragments', ...fragments(hex('22 e2 28 a1 22'), 2)),
    closes(1007, 'a character that the last fragment does not finish', ...fragments(hex('22 22 e2 82'), 2)),
    {
      title: 'a character over two fragments',
      bytes: Buffer.concat(fragments(euro, 2)),
      answers: [{ type: -113, code: 'not_an_object' }],
    },
  ];
}

function closeBytes(...parts: string[]): Buffer {
  return clientFrame(Buffer.concat(parts.map(hex)), { opcode: close });
}

function lengthCases(): FrameCase[] {
  return [
    answered('a frame of exactly the limit', clientFrame(padded(MAX_FRAME_BYTES))),
    answered('a length in 16 bits that needs 7', widened(PROBE, 16)),
    answered('a length in 64 bits that needs 7', widened(PROBE, 64)),
    answered('a message of exactly the limit in 3 pieces', ...fragments(padded(MAX_FRAME_BYTES), 30_000)),
    closes(1009, 'one byte more than the limit', clientFrame(padded(MAX_FRAME_BYTES + 1))),
    closes(1009, 'one byte more in 3 pieces', ...fragments(padded(MAX_FRAME_BYTES + 1), 30_000)),
    closes(1009, 'a binary frame over the limit', clientFrame(padded(MAX_FRAME_BYTES + 1), { opcode: binary })),
    ...[65_537n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].map(
      (claimed) => closes(1009, `a claimed length of ${claimed}`, clientFrame('{}', { claimed })),
    ),
  ];
}

function headerCases(): FrameCase[] {
  const reserved = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
  const rsv: FrameForm[] = [4, 2, 1, 7].flatMap((bits) => [{ rsv: bits }, { rsv: bits, opcode: ping }]);
  return [
    ...Object.entries(OPCODE).map(([name, opcode]) =>
      closes(
        1002,
        `${name} without a mask`,
        clientFrame(opcode === close ? hex('03 e8') : '{}', { opcode, masked: false }),
      ),
    ),
    ...rsv.map((form) =>
      closes(1002, `RSV bits ${form.rsv} on opcode ${form.opcode ?? text}`, clientFrame('{}', form)),
    ),
    ...reserved.map((opcode) => closes(1002, `reserved opcode ${opcode}`, clientFrame('{}', { opcode }))),
    closes(
      1002,
      'a reserved opcode inside a message',
      clientFrame('{', { fin: false }),
      clientFrame('}', { opcode: 3 }),
    ),
    closes(1002, 'RSV1 on a continuation', clientFrame('{', { fin: false }), clientFrame('}', { opcode: 0, rsv: 4 })),
  ];
}

function fragmentCases(): FrameCase[] {
  const first = clientFrame('{', { fin: false });
  const begun = clientFrame(PROBE.slice(0, 5), { fin: false });
  const rest = clientFrame(PROBE.slice(5), { opcode: continuation });
  const empty = Array.from({ length: MAX_FRAGMENTS }, () => clientFrame('', { opcode: continuation, fin: false }));
  return [
    closes(1002, 'a continuation of nothing', clientFrame('{}', { opcode: continuation })),
    closes(1002, 'an unfinished continuation of nothing', clientFrame('{', { opcode: continuation, fin: false })),
    closes(
      1002,
      'a continuation after a whole message',
      clientFrame('{}'),
      clientFrame('{}', { opcode: continuation }),
    ),
    closes(1002, 'a text frame inside a message', first, clientFrame('}')),
    closes(1002, 'a binary frame inside a message', first, clientFrame('}', { opcode: binary })),
    closes(1008, '100 fragments of one byte', ...fragments(padded(100), 1)),
    closes(1008, 'one fragment more than the limit', ...fragments(padded(MAX_FRAGMENTS + 1), 1)),
    closes(1008, 'empty fragments without an end', first, ...empty),
    answered('as many fragments as the limit', ...fragments(padded(MAX_FRAGMENTS), 1)),
    answered('empty first and last fragments', ...emptyEnds()),
    { ...answered('a ping inside a message', begun, clientFrame('', { opcode: ping }), rest), pongs: 1 },
    answered('a pong that nobody asked for inside a message', begun, clientFrame('x', { opcode: pong }), rest),
    closes(1000, 'a close inside a message', begun, closeFrame(1000)),
  ];
}

function emptyEnds(): Buffer[] {
  return [
    clientFrame('', { fin: false }),
    clientFrame(PROBE, { opcode: continuation, fin: false }),
    clientFrame('', { opcode: continuation }),
  ];
}

function controlCases(): FrameCase[] {
  const controls = { ping, pong, close };
  const long = Buffer.alloc(126, 'a');
  return [
    ...Object.entries(controls).flatMap(([name, opcode]) => [
      closes(1002, `a ${name} of 126 bytes`, clientFrame(long, { opcode })),
      closes(1002, `a ${name} that claims 2^63 bytes`, clientFrame('', { opcode, claimed: 2n ** 63n })),
      closes(1002, `a fragmented ${name}`, clientFrame('ab', { opcode, fin: false })),
    ]),
    {
      ...answered('a ping of 125 bytes', clientFrame(long.subarray(1), { opcode: ping }), clientFrame(PROBE)),
      pongs: 1,
    },
    {
      ...answered('a ping that is not UTF-8', clientFrame(hex('ff fe'), { opcode: ping }), clientFrame(PROBE)),
      pongs: 1,
    },
    closes(1006, '1,000 pings at once', ...Array.from({ length: 1_000 }, () => clientFrame('', { opcode: ping }))),
  ];
}

function closeCases(): FrameCase[] {
  const bad = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
  const good = [1000, 1001, 1003, 1011, 3000, 3999, 4000, 4999];
  return [
    ...bad.map((code) => closes(1002, `close code ${code}`, closeFrame(code))),
    ...good.map((code) => closes(code, `close code ${code} is answered by itself`, closeFrame(code, 'bye'))),
    closes(1005, 'a close without a code', closeFrame()),
    closes(1002, 'a close payload of one byte', closeBytes('03')),
    closes(1000, 'a close reason of 123 bytes', closeFrame(1000, 'a'.repeat(123))),
    closes(1000, 'frames after a close', closeFrame(1000), clientFrame(PROBE), clientFrame('', { opcode: 3 })),
  ];
}

function binaryCases(): FrameCase[] {
  return [
    closes(1003, 'a binary frame', clientFrame(PROBE, { opcode: binary })),
    closes(1003, 'an empty binary frame', clientFrame('', { opcode: binary })),
    closes(1003, 'a binary message in fragments', ...fragments(PROBE, 10, binary)),
  ];
}

/** What is wrong, or only just right, by the websocket protocol itself. */
export function websocketCases(): FrameCase[] {
  return [
    ...utf8Cases(),
    ...lengthCases(),
    ...headerCases(),
    ...fragmentCases(),
    ...controlCases(),
    ...closeCases(),
    ...binaryCases(),
  ];
}

/** Where the bytes of a case are cut into packets: not at all, and behind the first, the second, before the last byte. */
export function cutsOf({ bytes }: FrameCase): readonly number[][] {
  return [[], [1], [2], [bytes.length - 1]];
}
