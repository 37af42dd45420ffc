import type { LogRow } from './inbox-log.js';
import type { SeatState } from './inbox.types.js';

/** What stands in an inbox in place of the body of a group's entry: where the entry is, and how it counts. */
export interface EntryRef {
  /** The group's log, and the entry's number there. */
  readonly group: string;
  readonly entry: number;
  /** Rows of the group that wait in this inbox, this one included, as far as its writer knew. */
  readonly waiting: number;
  /** It says that from this entry on something was left out. */
  readonly isGap: boolean;
}

/** No frame begins with it. */
const SIGN = '@';

/** The text of a reference: `@<group> <entry> <waiting>`, with ` gap` behind it where it is one. */
export function refText({ group, entry, waiting, isGap }: EntryRef): string {
  return `${SIGN}${group} ${entry} ${waiting}${isGap ? ' gap' : ''}`;
}

export function isRef(body: string): boolean {
  return body.startsWith(SIGN);
}

/** What a body refers to, `undefined` when it is a frame itself, or was dropped. */
export function refOf(body: string): EntryRef | undefined {
  if (!isRef(body)) return undefined;
  const [group = '', entry, waiting, gap] = body.slice(SIGN.length).split(' ');
  return { group, entry: Number(entry), waiting: Number(waiting), isGap: gap !== undefined };
}

/** What a row says of its group's seat; `undefined` when it is not of a group. */
export function seatIn({ n, body }: Pick<LogRow, 'n' | 'body'>): (SeatState & { readonly group: string }) | undefined {
  const ref = refOf(body);
  return ref && { group: ref.group, entry: ref.entry, n, waiting: ref.waiting, isGap: ref.isGap };
}

/** An entry as its group's log keeps it: a line of what the group knows of it, then the frame that its members get. */
export function entryBody(known: string, frame: string): string {
  return `${known}\n${frame}`;
}

export function frameOfEntry(body: string): string {
  return body.slice(body.indexOf('\n') + 1);
}

export function knownOfEntry(body: string): string {
  return body.slice(0, body.indexOf('\n'));
}
