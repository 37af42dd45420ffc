import { createHash } from 'node:crypto';

/** A text that only some may ever be told. */
export interface Canary {
  readonly kind: string;
  readonly text: string;
  readonly entitled: ReadonlySet<string>;
}

export interface Taint {
  readonly kind: string;
  readonly text: string;
  readonly party: string;
  /** A piece of what it was told, around the canary. */
  readonly where: string;
}

const AROUND = 120;
/** So much of a hash names its origin. */
const HASH_CHARS = 16;

/** What stands in what parties were told, by their names, and was not for them. */
export function taintsIn(told: ReadonlyMap<string, readonly string[]>, canaries: readonly Canary[]): Taint[] {
  const taints: Taint[] = [];
  for (const [party, texts] of told) {
    const all = texts.join('\n');
    for (const { kind, text, entitled } of canaries) {
      const at = entitled.has(party) ? -1 : all.indexOf(text);
      if (at >= 0) taints.push({ kind, text, party, where: all.slice(Math.max(0, at - AROUND), at + AROUND) });
    }
  }
  return taints;
}

/** A name, and what could be derived from it by anybody: forms of its bytes and hashes of it. */
export function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const plain = [text, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) => {
    const hash = createHash(name).update(text).digest();
    return [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')];
  });
  return [...plain, ...hashes.map((hash) => hash.slice(0, HASH_CHARS))];
}
