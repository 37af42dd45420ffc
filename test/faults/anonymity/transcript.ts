/** What a party heard, with what differs between any two runs named by the order in which it came. */
export class Transcript {
  private readonly lines: string[] = [];
  private readonly names = new Map<string, string>();

  /** `known`: texts that stand for something, by what they are called instead. */
  constructor(known: Readonly<Record<string, string>> = {}) {
    for (const [text, name] of Object.entries(known)) this.names.set(text, name);
  }

  add(line: string): void {
    this.lines.push(line);
  }

  get text(): string {
    return this.lines.map((line) => this.normalised(line)).join('\n');
  }

  private normalised(line: string): string {
    return line
      .replaceAll(TIMES, '"$1":TIME')
      .replaceAll(HEADER_DATE, '"date":DATE')
      .replaceAll(BODY_HASH, '"etag":$1')
      .replaceAll(MADE_BY_SERVER, (found) => this.nameOf(found));
  }

  private nameOf(found: string): string {
    const known = this.names.get(found);
    if (known !== undefined) return known;
    const name = `${found.startsWith('~') ? 'ALIAS' : 'ID'}-${this.names.size + 1}`;
    this.names.set(found, name);
    return name;
  }
}

const AROUND = 60;
const TIMES = /"(timestamp|created_at|ping_interval_ms)":\d+/g;
const HEADER_DATE = /"date":"[^"]*"/g;
/** Its length is told, its hash is of what is told anyway. */
const BODY_HASH = /"etag":"W\/\\"([0-9a-f]+)-[^"]*""/g;
/** UUIDs, ids of server nodes and sessions, aliases, and other 22 characters of base64url by themselves. */
const MADE_BY_SERVER = new RegExp(
  [
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    '~s[\\w-]{22}(?![\\w-])',
    '~?(?<![\\w-])s?[\\w-]{22}(?![\\w-])',
  ].join('|'),
  'g',
);

/** The first place where two transcripts differ. */
export function differenceOf(one: string, other: string): string | undefined {
  const [lines, others] = [one.split('\n'), other.split('\n')];
  const at = lines.findIndex((line, index) => line !== others[index]);
  if (at >= 0) return `line ${at + 1}: ${around(lines[at] ?? '', others[at] ?? 'nothing')}`;
  return others.length > lines.length ? `line ${lines.length + 1}: nothing | ${others[lines.length]}` : undefined;
}

/** Both, from a little before the first sign in which they differ. */
function around(one: string, other: string): string {
  let from = 0;
  while (from < one.length && one[from] === other[from]) from += 1;
  const cut = (text: string): string => text.slice(Math.max(0, from - AROUND), from + 2 * AROUND);
  return `${cut(one)} | ${cut(other)}`;
}

/** How well the bigger of two values tells which of the two kinds it is of: 0.5 is guessing, 1 knowing. */
export function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  const all = [...one.map((value) => ({ value, isOne: true })), ...other.map((value) => ({ value, isOne: false }))];
  all.sort((a, b) => a.value - b.value);
  let ranks = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]!.value === all[from]!.value) to += 1;
    const rank = (from + to + 1) / 2;
    for (const { isOne } of all.slice(from, to)) if (isOne) ranks += rank;
    from = to;
  }
  const area = (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
  return Math.max(area, 1 - area);
}
