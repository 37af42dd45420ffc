import type { HintedRow, Notice, PeerFrame } from '../modules/routing/index.js';

/** What came over a link is not what a server node sends. Says nothing of what it was. */
export class LinkFault extends Error {
  override readonly name = 'LinkFault';
}

export interface Batch {
  readonly frames: readonly PeerFrame[];
  /** Frames of kinds that this server node does not know: those of a later version. */
  readonly unknown: number;
}

const ROW_FIELDS = 8;

/** Reads what `LinkBatch` wrote. Throws `LinkFault` when any of it is malformed: then none of it counts. */
export function readBatch(text: string): Batch {
  const end = text.indexOf('\n');
  const [lengths, ...raw] = listOf(parsed(text.slice(0, end)));
  const bodies = bodiesOf(text, end + 1, listOf(lengths));
  const frames: PeerFrame[] = [];
  for (const each of raw) {
    const frame = frameOf(listOf(each), bodies);
    if (frame) frames.push(frame);
  }
  return { frames, unknown: raw.length - frames.length };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new LinkFault('a line that is no JSON');
  }
}

function bodiesOf(text: string, start: number, lengths: readonly unknown[]): string[] {
  let at = start;
  const bodies = lengths.map((each) => {
    const from = at;
    at += whole(each);
    return text.slice(from, at);
  });
  if (at !== text.length) throw new LinkFault('bodies of another length');
  return bodies;
}

function frameOf(fields: readonly unknown[], bodies: readonly string[]): PeerFrame | undefined {
  switch (textOf(fields[0])) {
    case 'r':
      return { kind: 'rows', rows: rowsOf(fields, bodies) };
    case 'n':
      return { kind: 'notices', notices: noticesOf(fields) };
    case 'f':
      return relayedOf(fields, bodies);
    case 'm':
      return { kind: 'moved', nodeIds: fields.slice(1).map(textOf) };
    default:
      return undefined;
  }
}

function rowsOf(fields: readonly unknown[], bodies: readonly string[]): HintedRow[] {
  if ((fields.length - 1) % ROW_FIELDS !== 0) throw new LinkFault('part of a row');
  const rows: HintedRow[] = [];
  for (let at = 1; at < fields.length; at += ROW_FIELDS) {
    rows.push({
      log: textOf(fields[at]),
      n: whole(fields[at + 1]),
      at: whole(fields[at + 2]),
      key: textOf(fields[at + 3]),
      totals: { count: whole(fields[at + 4]), bytes: whole(fields[at + 5]) },
      report: fields[at + 6] === 1,
      body: bodyOf(fields[at + 7], bodies),
    });
  }
  return rows;
}

function noticesOf(fields: readonly unknown[]): Notice[] {
  if (fields.length % 2 !== 1) throw new LinkFault('part of a notice');
  const notices: Notice[] = [];
  for (let at = 1; at < fields.length; at += 2) notices.push({ nodeId: textOf(fields[at]), n: whole(fields[at + 1]) });
  return notices;
}

function relayedOf([, hops, body, ...nodeIds]: readonly unknown[], bodies: readonly string[]): PeerFrame {
  return { kind: 'frame', nodeIds: nodeIds.map(textOf), frame: bodyOf(body, bodies), hops: whole(hops) };
}

function bodyOf(position: unknown, bodies: readonly string[]): string {
  const body = bodies[whole(position)];
  if (body === undefined) throw new LinkFault('a body that is not there');
  return body;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new LinkFault('wanted: a list');
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new LinkFault('wanted: a text');
  return value;
}

function whole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new LinkFault('wanted: a whole number');
  return value as number;
}
