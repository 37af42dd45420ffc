import { isUtf8 } from 'node:buffer';
import { clientFrame, OPCODE, upgradeRequest } from './raw-socket.js';

/** Numbers that a seed fixes (mulberry32). */
export class Random {
  private state: number;

  constructor(...seeds: readonly number[]) {
    this.state = seeds.reduce((mixed, seed) => Math.imul(mixed ^ seed, 0x9e3779b1) >>> 0, 0x2545f491);
  }

  /** A whole number from 0, below the limit. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** What one frame has to lead to. */
export type Outcome = 'answer' | 'silence' | { readonly closes: number };

export interface FuzzFrame {
  readonly wire: Buffer;
  readonly payload: Buffer;
  readonly outcome: Outcome;
  /** Describes the frame for people, in one line. */
  readonly shown: string;
}

/** As much of a valid frame as its outcome depends on. */
export type Decoded =
  | { readonly kind: 'alive' | 'fetchInbox' | 'areYouThere' }
  | { readonly kind: 'ack'; readonly seq: number }
  | { readonly kind: 'message'; readonly message: { readonly transient: boolean; readonly destination: Destination } };

type Destination =
  { readonly kind: 'node'; readonly nodeId: string } | { readonly kind: 'client' | 'session' | 'private' };

/** The world that frames are made for: nodes that are known, what is valid there, and how big it may be. */
export interface FuzzWorld {
  readonly nodes: readonly string[];
  /** The server's own decoder: throws at what is not valid. */
  readonly decode: (text: string) => Decoded;
  readonly maxFrameBytes: number;
}

/** Name and value of one member, both as they stand in the text. */
type Member = [name: string, raw: string];
type Mutation = (members: Member[], random: Random) => void;

const NAMES = [
  ['dest_id', 'dest_client_id', 'dest_session_id', 'id', 'type', 'payload', 'payload1', 'payload2', 'transient'],
  ['report', 'seq', 'src_id', 'src_client_id', 'timestamp', 'session_seq', 'code', 'reason', 'retry_after_ms'],
  ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', 'length', ''],
  ['$where', '$set', '$ne', 'a.b', '0', '-1', 'dest\\u005fid', '\\ud800', '\\udc00x', '\\u0000', '\u2028', '😀'],
]
  .flat()
  .map((name) => `"${name}"`);

const VALUES = [
  ['null', 'true', 'false', '0', '-0', '1', '-1', '-3', '-101', '-111', '-120', '100', '105', '2147483647'],
  ['2147483648', '9007199254740993', '1e400', '-1e400', '1e-400', '0.1', '1E2', 'NaN', '-Infinity', 'Infinity'],
  ['0x10', '01', '.5', '1.', '--1', '""', '"~x"', '"a b"', '"\\ud800"', '"\\u0000"', '"NaN"', '"__proto__"'],
  ['[]', '{}', '[[]]', '["delivered"]', '["delivered","delivered"]', '[null]', 'undefined', '"', "'a'", '\\'],
  ['{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"$gt":""}', '{"fetch_inbox":{}}'],
  ['{"fetch_inbox":{"__proto__":{"x":1}}}', '{"fetch_inbox":{"limit":1e9}}', '{"toString":1,"valueOf":1}'],
].flat();

const DEPTHS = [30, 31, 32, 33, 1_000, 5_000, 32_000];
const NAUGHTY = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\u0000',
  '\n',
  '\t',
  ' ',
  '\uFEFF',
  '\ud800',
  '😀',
  'e',
  '9',
  '-',
];

const MUTATIONS: readonly Mutation[] = [
  (members, random) => void members.splice(random.below(members.length), 1),
  (members, random) => members.push(...members.slice(random.below(members.length + 1)).slice(0, 1)),
  (members, random) => change(members, random, (member) => (member[1] = random.pick(VALUES))),
  (members, random) => change(members, random, (member) => (member[1] = random.pick(VALUES))),
  (members, random) => change(members, random, (member) => (member[0] = random.pick(NAMES))),
  (members, random) => members.push([random.pick(NAMES), random.pick(VALUES)]),
  (members, random) => members.push([random.pick(NAMES), nested(random)]),
  (members) => void members.sort(([one], [other]) => (one < other ? 1 : -1)),
  (members, random) =>
    change(members, random, (member) => (member[1] = `${random.pick([' ', '\n', '\v'])}${member[1]}`)),
];

/** Sizes are worth a try now and then only: they cost the most. */
const HEAVY: readonly Mutation[] = [
  (members, random) => members.push([`"${'k'.repeat(60_000 + random.below(7_000))}"`, '1']),
  (members, random) => members.push(['"payload"', `"${random.pick(['a', '\\"', '\\\\', '\\u0041']).repeat(9_000)}"`]),
  (members, random) => members.push(['"payload1"', '9'.repeat(30_000 + random.below(40_000))]),
  (members) => members.push(...Array.from({ length: 6_000 }, (_none, n): Member => [`"${n}"`, '1'])),
];

function change(members: Member[], random: Random, how: (member: Member) => void): void {
  const member = members[random.below(members.length)];
  if (!member) return;
  const changed: Member = [...member];
  how(changed);
  members[members.indexOf(member)] = changed;
}

function nested(random: Random): string {
  const depth = random.pick(DEPTHS);
  if (random.chance(3)) return '{"a":'.repeat(Math.min(depth, 12_000));
  return '['.repeat(depth) + ']'.repeat(random.chance(4) ? depth - 1 : depth);
}

function validMembers(random: Random, { nodes }: FuzzWorld, index: number): Member[] {
  const to: Member = ['"dest_id"', `"${random.pick(nodes)}"`];
  const id: Member = ['"id"', random.chance(3) ? '"m"' : `"m-${index}"`];
  return random.pick<Member[]>([
    [to, id, ['"payload"', '{"text":"a","n":[1,2.5,null]}']],
    [to, id, ['"type"', '7'], ['"payload"', '1'], ['"payload1"', '"b"'], ['"payload2"', 'null']],
    [to, ['"transient"', 'true'], ['"payload"', '"now"']],
    [to, id, ['"report"', '["delivered"]']],
    [['"dest_client_id"', '"c"'], id, ['"payload"', '1']],
    [['"dest_session_id"', '"s"'], to, id],
    [
      ['"type"', '-111'],
      ['"seq"', '0'],
    ],
    [['"type"', '-120'], id],
    [['"type"', '-101'], id, ['"payload"', '{"fetch_inbox":{"after_seq":0,"limit":5}}']],
    [],
  ]);
}

function mutatedText(random: Random, world: FuzzWorld, index: number): string {
  const members = validMembers(random, world, index);
  for (let times = random.below(4); times > 0; times -= 1) random.pick(MUTATIONS)(members, random);
  if (random.chance(25)) random.pick(HEAVY)(members, random);
  const text = `{${members.map(([name, raw]) => `${name}:${raw}`).join()}}`;
  return random.chance(4) ? scratched(text, random) : text;
}

/** The text with characters replaced, put in or cut off, or itself twice. */
function scratched(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const kept = text.slice(0, at);
  return random.pick([
    kept + random.pick(NAUGHTY) + text.slice(at + 1),
    kept + random.pick(NAUGHTY) + text.slice(at),
    kept,
    text + text,
    text + random.pick(NAUGHTY),
    random.pick(NAUGHTY) + text,
  ]);
}

function payloadOf(random: Random, world: FuzzWorld, index: number): Buffer {
  if (random.chance(20)) return random.bytes(random.below(300));
  const payload = Buffer.from(mutatedText(random, world, index));
  for (let times = random.chance(8) ? 1 + random.below(3) : 0; times > 0 && payload.length > 0; times -= 1) {
    payload[random.below(payload.length)] = random.below(256);
  }
  return payload;
}

/** The frame that a seed has at this place: the same for the same world, whatever was asked before. */
export function frameAt(seed: number, index: number, world: FuzzWorld): FuzzFrame {
  const random = new Random(seed, index);
  const payload = payloadOf(random, world, index);
  const opcode = random.chance(60) ? OPCODE.binary : OPCODE.text;
  const wire = inFragments(payload, opcode, random);
  const outcome = opcode === OPCODE.binary ? { closes: closeOfBinary(payload, world) } : outcomeOf(payload, world);
  const shown = `opcode ${opcode}, ${payload.length} bytes: ${JSON.stringify(payload.toString('utf8', 0, 300))}`;
  return { wire, payload, outcome, shown };
}

function inFragments(payload: Buffer, opcode: number, random: Random): Buffer {
  const cuts = random.chance(3) ? [random.below(payload.length + 1), random.below(payload.length + 1)] : [];
  const places = [0, ...cuts.sort((one, other) => one - other), payload.length];
  const frames = places.slice(0, -1).map((from, index) =>
    clientFrame(payload.subarray(from, places[index + 1]), {
      opcode: index === 0 ? opcode : OPCODE.continuation,
      fin: index === places.length - 2,
    }),
  );
  return Buffer.concat(frames);
}

function closeOfBinary(payload: Buffer, { maxFrameBytes }: FuzzWorld): number {
  return payload.length > maxFrameBytes ? 1009 : 1003;
}

/** Silence is right for what is valid and needs no answer, for nothing else. */
function outcomeOf(payload: Buffer, { decode, maxFrameBytes, nodes }: FuzzWorld): Outcome {
  if (payload.length > maxFrameBytes) return { closes: 1009 };
  if (!isUtf8(payload)) return { closes: 1007 };
  try {
    const frame = decode(payload.toString('utf8'));
    if (frame.kind === 'alive') return 'silence';
    if (frame.kind === 'ack') return frame.seq === 0 ? 'silence' : 'answer';
    if (frame.kind !== 'message' || !frame.message.transient) return 'answer';
    const { destination } = frame.message;
    return destination.kind === 'node' && nodes.includes(destination.nodeId) ? 'silence' : 'answer';
  } catch {
    return 'answer';
  }
}

const REQUESTS = [
  'GET /v1/inbox HTTP/1.1\r\nhost: localhost\r\n\r\n',
  'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  'POST /v1/pre-connections HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'GET /connect HTTP/1.1\r\nhost: localhost\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

/** Bytes that somebody sends before anybody knows who it is: noise, or a request that was right once. */
export function strangerBytesAt(seed: number, index: number, authorization: string): Buffer {
  const random = new Random(seed, index, 1);
  if (random.chance(6)) return random.bytes(1 + random.below(2_000));
  if (random.chance(10)) return clientFrame('{"type":-120}', { opcode: random.below(16), rsv: random.below(8) });
  const target = random.pick([
    '/connect',
    '/connect?epoch=e&last_seq=0',
    '/connect?validation_key=k',
    '/',
    '//connect',
  ]);
  const handshake = upgradeRequest(target, random.chance(3) ? {} : { authorization });
  let text = random.chance(4) ? random.pick(REQUESTS) : handshake;
  for (let times = random.below(4); times > 0; times -= 1) text = mutatedRequest(text, random);
  const bytes = Buffer.from(text, 'latin1');
  for (let times = random.chance(3) ? 1 + random.below(3) : 0; times > 0; times -= 1) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.chance(5) ? Buffer.concat([bytes, clientFrame('{"type":-120}')]) : bytes;
}

function mutatedRequest(text: string, random: Random): string {
  const lines = text.split('\r\n');
  const at = random.below(lines.length);
  const line = lines[at] as string;
  const instead = random.pick<string[]>([
    [],
    [line, line],
    [line.toUpperCase()],
    [`${line}${random.pick(['\u0000', '\t', ' ', '\n', '\r', 'é', ';', ','])}`],
    [line, `x-long: ${'a'.repeat(random.below(20_000))}`],
    [line, ...Array.from({ length: random.below(300) }, (_none, n) => `x-${n}: a`)],
    [
      line,
      random.pick(['content-length: 5', 'transfer-encoding: chunked', 'expect: 100-continue', ' folded', ': no name']),
    ],
    [line.replace(/:.*/, ': ')],
  ]);
  const mutated = [...lines.slice(0, at), ...instead, ...lines.slice(at + 1)].join('\r\n');
  return random.chance(10) ? mutated.slice(0, random.below(mutated.length)) || 'G' : mutated;
}
