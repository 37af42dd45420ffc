import { UTF8_TEXTS } from './autobahn-utf8.js';
import { type FrameCase, fragments, HERE, hex, MAX_FRAGMENTS, MAX_FRAME_BYTES, padded, PROBE } from './frame-cases.js';
import { clientFrame, closeFrame, type FrameForm, OPCODE } from './raw-socket.js';

// The cases of the Autobahn fuzzing suite by their numbers there, as far as they have to do with a server that takes
// JSON of at most 64 KiB: where it waits for an echo, an answer comes that only the whole text can have led to. Where a
// close or a violation stands right behind a text, only the code is promised: what has no receipt is sent again.

const { continuation, text, binary, ping, pong } = OPCODE;
const BAD_JSON = { type: -113, code: 'bad_json' };
const NOT_AN_OBJECT = { type: -113, code: 'not_an_object' };
const probe = clientFrame(PROBE);
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536];
const KIB = 1_024;
/** Longer ones are not cut behind each of their bytes. */
const MOST_OCTETS = 300;
const CHOP = 997;

type Outcome = Omit<FrameCase, 'title' | 'bytes'>;

function one(section: string, what: string, outcome: Outcome, ...bytes: readonly Buffer[]): FrameCase {
  return { title: `${section} ${what}`, bytes: Buffer.concat(bytes), ...outcome };
}

const here: Outcome = { answers: [HERE] };
const closes = (code: number): Outcome => ({ closes: code });

/** Octet by octet where that is not too long, else in the pieces of the suite; `sized` by one of its other lengths. */
export function chopsOf({ bytes: { length } }: FrameCase): readonly number[][] {
  const step = length <= MOST_OCTETS ? 1 : CHOP;
  return [placesOf(length, step)];
}

function placesOf(length: number, step: number): number[] {
  return Array.from({ length: Math.floor((length - 1) / step) }, (_none, index) => (index + 1) * step);
}

const answered = (size: number): Outcome => (size === 0 ? { answers: [BAD_JSON] } : here);
const filled = (size: number): string => (size === 0 ? '' : padded(size));

function framing(): FrameCase[] {
  return [
    ...SIZES.map((size, at) =>
      one(`1.1.${at + 1}`, `text of ${size} bytes`, answered(size), clientFrame(filled(size))),
    ),
    ...SIZES.map((size, at) =>
      one(`1.2.${at + 1}`, `binary of ${size} bytes`, closes(1003), clientFrame(filled(size), { opcode: binary })),
    ),
  ];
}

function echoed(section: string, what: string, echo: Buffer, count = 1): FrameCase {
  const all = Array.from({ length: count }, () => clientFrame(echo, { opcode: ping }));
  return one(section, what, { pongs: count, echo, ...here }, ...all, probe);
}

const unasked = (payload: string): Buffer => clientFrame(payload, { opcode: pong });

function pings(): FrameCase[] {
  const form = { opcode: ping };
  const hello = Buffer.from('Hello, world!');
  return [
    echoed('2.1', 'a ping without payload', Buffer.alloc(0)),
    echoed('2.2', 'a ping of text', hello),
    echoed('2.3', 'a ping of bytes', hex('00 ff fe fd fc fb 00 ff')),
    echoed('2.4', 'a ping of 125 bytes, and 2.6 octet by octet', Buffer.alloc(125, 0xfe)),
    one('2.5', 'a ping of 126 bytes', closes(1002), clientFrame(Buffer.alloc(126, 0xfe), form)),
    one('2.7', 'a pong without payload that nobody asked for', here, unasked(''), probe),
    one('2.8', 'a pong of text that nobody asked for', here, unasked('unasked'), probe),
    one(
      '2.9',
      'such a pong, then a ping',
      { pongs: 1, echo: hello, ...here },
      unasked('x'),
      clientFrame(hello, form),
      probe,
    ),
    echoed('2.10', '10 pings, and 2.11 octet by octet', hello, 10),
  ];
}

/** What is wrong alone, and behind a text that is right and answered. */
function alone(section: string, what: string, form: FrameForm, payload: string | Buffer = ''): FrameCase {
  return one(section, what, closes(1002), clientFrame(payload, form));
}

function behindText(section: string, what: string, form: FrameForm, payload = ''): FrameCase {
  const bad = clientFrame(payload, form);
  return one(section, `a text, ${what}, a ping`, closes(1002), probe, bad, clientFrame('', { opcode: ping }));
}

function reservedBits(): FrameCase[] {
  return [
    alone('3.1', 'text with RSV 1', { rsv: 1 }, 'a'),
    behindText('3.2', 'text with RSV 2, and 3.3 by frames', { rsv: 2 }, 'a'),
    behindText('3.4', 'text with RSV 3', { rsv: 3 }, 'a'),
    alone('3.5', 'binary with RSV 5', { rsv: 5, opcode: binary }, 'a'),
    alone('3.6', 'a ping with RSV 6', { rsv: 6, opcode: ping }, 'a'),
    alone('3.7', 'a close with RSV 7', { rsv: 7, opcode: OPCODE.close }, hex('03 e8')),
  ];
}

function opcodes(section: string, first: number): FrameCase[] {
  return [
    alone(`${section}.1`, `opcode ${first}`, { opcode: first }),
    alone(`${section}.2`, `opcode ${first + 1} with a payload`, { opcode: first + 1 }, 'reserved'),
    behindText(`${section}.3`, `opcode ${first + 2}`, { opcode: first + 2 }),
    behindText(`${section}.4`, `opcode ${first + 3} with a payload`, { opcode: first + 3 }, 'reserved'),
    behindText(`${section}.5`, `opcode ${first + 4} with a payload`, { opcode: first + 4 }, 'reserved'),
  ];
}

const lone = (fin: boolean): Buffer => clientFrame('', { opcode: continuation, fin });

function fragmentation(): FrameCase[] {
  const [begun, rest] = fragments(PROBE, 15) as [Buffer, Buffer];
  const pinged = clientFrame('between', { opcode: ping });
  const echo = Buffer.from('between');
  const [a, b, c, d, e] = fragments(PROBE, 5) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  return [
    alone('5.1', 'a ping in fragments', { opcode: ping, fin: false }, 'a'),
    alone('5.2', 'a pong in fragments', { opcode: pong, fin: false }, 'a'),
    one('5.3', 'text in 2 fragments, 5.4 by frames, 5.5 by octets', here, begun, rest),
    one(
      '5.6',
      'a ping between 2 fragments, 5.7 by frames, 5.8 by octets',
      { pongs: 1, echo, ...here },
      begun,
      pinged,
      rest,
    ),
    one('5.9', 'a last continuation of nothing, then text; 5.10 and 5.11', closes(1002), lone(true), probe),
    one('5.12', 'a continuation of nothing, then text; 5.13 and 5.14', closes(1002), lone(false), probe),
    one('5.15', 'text in 2 fragments, a continuation of nothing, text', closes(1002), begun, rest, lone(false), probe),
    one(
      '5.16',
      'twice a continuation of nothing and text',
      closes(1002),
      lone(false),
      begun,
      rest,
      lone(false),
      begun,
      rest,
    ),
    one(
      '5.17',
      'twice a last continuation of nothing and text',
      closes(1002),
      lone(true),
      begun,
      rest,
      lone(true),
      begun,
      rest,
    ),
    one('5.18', 'text in 2 fragments that both say text', closes(1002), begun, clientFrame(PROBE.slice(15))),
    one(
      '5.19',
      'text in 5 fragments with 2 pings between, 5.20 by octets',
      { pongs: 2, echo, ...here },
      a,
      b,
      pinged,
      c,
      d,
      pinged,
      e,
    ),
  ];
}

const empty = (form: FrameForm): Buffer => clientFrame('', form);

function texts(): FrameCase[] {
  const ends = [empty({ fin: false }), empty({ opcode: continuation })] as const;
  const hello = Buffer.from('"Hello-µ@ßöäüàá-UTF-8!!"');
  const [bad, good] = [hex('22 f4 90 80 80 22'), Buffer.from('"κόσμε"')];
  const unfinished = { opcode: continuation, fin: false };
  return [
    one('6.1.1', 'no text', { answers: [BAD_JSON] }, clientFrame('')),
    one('6.1.2', 'no text in 3 fragments', { answers: [BAD_JSON] }, ends[0], empty(unfinished), ends[1]),
    one('6.1.3', 'text between empty fragments', here, ends[0], clientFrame(PROBE, unfinished), ends[1]),
    one('6.2.2', 'UTF-8 in 2 fragments', { answers: [NOT_AN_OBJECT] }, ...fragments(hello, 12)),
    one('6.2.3', 'UTF-8 octet by octet in fragments', { answers: [NOT_AN_OBJECT] }, ...fragments(hello, 1)),
    one('6.2.4', 'κόσμε octet by octet in fragments', { answers: [NOT_AN_OBJECT] }, ...fragments(good, 1)),
    one('6.3.2', 'bad UTF-8 octet by octet in fragments', closes(1007), ...fragments(bad, 1)),
    one(
      '6.4.1',
      'a bad fragment between good ones',
      closes(1007),
      ...fragments(Buffer.concat([good, bad, good]), good.length),
    ),
    one('6.4.2', 'a character cut where it goes wrong', closes(1007), ...fragments(bad, 2)),
    one('6.4.3', 'a bad text in one frame, in pieces; 6.4.4', closes(1007), clientFrame(Buffer.concat([good, bad]))),
    one('6.5.1', 'UTF-8 of several lengths, in pieces; to 6.5.5', { answers: [NOT_AN_OBJECT] }, clientFrame('"aµ€😀"')),
    ...UTF8_TEXTS.map(([section, bytes, isUtf8]) => utf8(section, hex(bytes), isUtf8)),
  ];
}

/** Good ones stand where the answer has to repeat them; a control character is no part of a JSON string. */
function utf8(section: string, bytes: Buffer, isUtf8: boolean): FrameCase {
  const what = `${isUtf8 ? 'UTF-8' : 'not UTF-8'}: ${bytes.toString('hex').slice(0, 40)}`;
  if (!isUtf8) return one(section, what, closes(1007), clientFrame(bytes));
  if (bytes[0] === 0) return one(section, what, { answers: [BAD_JSON] }, clientFrame(bytes));
  const named = { type: -113, code: 'unknown_field', field: bytes.toString('utf8') };
  return one(
    section,
    what,
    { answers: [named] },
    clientFrame(Buffer.concat([hex('7b 22'), bytes, hex('22 3a 31 7d')])),
  );
}

function closing(): FrameCase[] {
  const bye = closeFrame(1000);
  const [begun, rest] = fragments(PROBE, 15) as [Buffer, Buffer];
  const pinged = clientFrame('', { opcode: ping });
  const good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999, 1012, 1013, 1014];
  const bad = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
  return [
    one('7.1.1', 'a text, then a close', closes(1000), probe, bye),
    one('7.1.2', 'two closes', closes(1000), bye, bye),
    one('7.1.3', 'a ping behind a close', closes(1000), bye, pinged),
    one('7.1.4', 'a text behind a close', closes(1000), bye, probe),
    one('7.1.5', 'a close between fragments', closes(1000), begun, bye, rest),
    one('7.1.6', 'a long text, a close, a ping', closes(1000), clientFrame(padded(MAX_FRAME_BYTES)), bye, pinged),
    one('7.3.1', 'a close without payload', closes(1005), closeFrame()),
    one('7.3.2', 'a close of one byte', closes(1002), clientFrame('a', { opcode: OPCODE.close })),
    one('7.3.3', 'a close with a code', closes(1000), bye),
    one('7.3.4', 'a close with a code and a reason', closes(1000), closeFrame(1000, 'Hello World!')),
    one('7.3.5', 'a close with a reason of 123 bytes', closes(1000), closeFrame(1000, '*'.repeat(123))),
    one('7.3.6', 'a close with a reason of 124 bytes', closes(1002), closeFrame(1000, '*'.repeat(124))),
    one(
      '7.5.1',
      'a close with a reason that is not UTF-8',
      closes(1007),
      clientFrame(hex('03 e8 ce ba e1 bd b9 cf 83 ed a0 80'), { opcode: OPCODE.close }),
    ),
    ...good.map((code, at) => one(`7.7.${at + 1}`, `code ${code}`, closes(code), closeFrame(code))),
    ...bad.map((code, at) => one(`7.9.${at + 1}`, `code ${code}`, closes(1002), closeFrame(code))),
    ...[5_000, 65_535].map((code, at) => one(`7.13.${at + 1}`, `code ${code}`, closes(1002), closeFrame(code))),
  ];
}

function limits(): FrameCase[] {
  const whole = padded(MAX_FRAME_BYTES);
  const kinds = [
    { opcode: text, name: 'text', ok: here, sections: ['9.1', '9.3'] },
    { opcode: binary, name: 'binary', ok: closes(1003), sections: ['9.2', '9.4'] },
  ] as const;
  const over = [256 * KIB, KIB * KIB, 4 * KIB * KIB, 8 * KIB * KIB, 16 * KIB * KIB];
  return kinds.flatMap(({ opcode, name, ok, sections: [sized, fragmented] }) => [
    one(
      `${sized}.1`,
      `${name} of 64 KiB, and in pieces (${opcode === text ? '9.5' : '9.6'})`,
      ok,
      clientFrame(whole, { opcode }),
    ),
    ...over.map((claimed, at) =>
      one(
        `${sized}.${at + 2}`,
        `${name} of ${claimed / KIB} KiB`,
        closes(1009),
        clientFrame(whole, { opcode, claimed }),
      ),
    ),
    ...[64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB].map((length, at) =>
      one(
        `${fragmented}.${at + 1}`,
        `${name} of 64 KiB in fragments of ${length} bytes`,
        MAX_FRAME_BYTES / length > MAX_FRAGMENTS ? closes(1008) : ok,
        ...fragments(whole, length, opcode),
      ),
    ),
  ]);
}

/** Many of one length, one behind the other. */
function floods(): FrameCase[] {
  const small = '{"type":-120}';
  return [0, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB].flatMap((size, at) => {
    const count = size <= KIB ? 1_000 : (2 * KIB * KIB) / size;
    const answer = size === 0 ? BAD_JSON : size === 16 ? { type: -121 } : HERE;
    const body = size === 0 ? '' : size === 16 ? small.padEnd(size) : padded(size);
    const many = (opcode: number): Buffer[] => Array.from({ length: count }, () => clientFrame(body, { opcode }));
    const answers = Array.from({ length: count }, () => answer);
    return [
      one(`9.7.${at + 1}`, `${count} texts of ${size} bytes`, { answers }, ...many(text)),
      one(`9.8.${at + 1}`, `${count} times binary of ${size} bytes`, closes(1003), ...many(binary)),
    ];
  });
}

export function autobahnCases(): FrameCase[] {
  return [
    ...framing(),
    ...pings(),
    ...reservedBits(),
    ...opcodes('4.1', 3),
    ...opcodes('4.2', 11),
    ...fragmentation(),
    ...texts(),
    ...closing(),
    ...limits(),
    ...floods(),
    one('10.1.1', 'text of 64 KiB in fragments of 1,300 bytes', here, ...fragments(padded(MAX_FRAME_BYTES), 1_300)),
  ];
}
