import type { MessageClaim } from './claims.js';
import type { Found } from './images.js';

type FoundRow = Found['rows'][number];

const ENTRY_DIGITS = 11;

/** What is in a store, to be found by those who were told of it. */
export class Holdings {
  readonly tails = new Map<string, number>();
  private readonly byKey: ReadonlyMap<string, FoundRow>;
  private readonly open: ReadonlyMap<string, number>;

  constructor({ rows, open }: Found) {
    this.byKey = new Map(rows.map((row) => [`${row[0]} ${row[2]}`, row]));
    this.open = new Map(open.map(({ log, n }) => [log, n]));
    for (const [log, n] of rows) this.tails.set(log, Math.max(n, this.tails.get(log) ?? 0));
  }

  holds({ message: { src, dest, id, payload }, seq }: MessageClaim): boolean {
    const row = this.byKey.get(`n:${dest} m ${src} ${id}`);
    return row !== undefined && row[3].includes(JSON.stringify(payload)) && (seq === undefined || seq === row[1]);
  }

  /** In the log of the session; where it was delivered; and with all others, unless it is known as still to be driven. */
  holdsInSession({ message, to, seq, entry }: MessageClaim): boolean {
    const { src, dest, id, payload, members = [] } = message;
    const row = this.byKey.get(`s:${dest} m ${src} ${id}`);
    if (!row?.[3].includes(JSON.stringify(payload))) return false;
    const [log, n] = row;
    if (to !== undefined && (entry !== n || this.placeOf(to, log, n) !== seq)) return false;
    if (n >= (this.open.get(log) ?? Infinity)) return true;
    return members.every((member) => member === src || this.placeOf(member, log, n) !== undefined);
  }

  private placeOf(node: string, group: string, n: number): number | undefined {
    return this.byKey.get(`n:${node} g ${group} ${n.toString(36).padStart(ENTRY_DIGITS, '0')}`)?.[1];
  }
}
