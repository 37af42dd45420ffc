import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { randomId } from '../common/ids.js';
import type { PeerIdentity } from './peer-addresses.js';
import type { VersionRange } from './versions.js';

/** The whole header of a token, for there is one kind: whatever else stands there is none of ours. */
const HEADER = Buffer.from('{"alg":"HS256","typ":"allspark-link"}').toString('base64url');
const AUDIENCE = 'allspark-link';
const MAX_TOKEN_LENGTH = 2_048;
/** Only who knows the secret adds one, and each has its token for as long as it runs: more than a cluster ever starts. */
const REMEMBERED_RUNS = 10_000;

/** Who opens a link to whom, and in which versions it can speak. */
export interface LinkClaims {
  readonly from: PeerIdentity;
  readonly to: PeerIdentity;
  readonly versions: VersionRange;
  /** Makes the acceptor prove itself anew for each. */
  readonly nonce: string;
  /** Rises from token to token of a process. */
  readonly count: number;
}

/** What the acceptor says of itself and of the link. */
export interface LinkTerms {
  readonly version: number;
  /** The largest message that it takes, bytes. */
  readonly maxBytes: number;
}

/**
 * How two server nodes prove to each other that they belong to one cluster. The key is derived from the shared secret,
 * so that no token of another kind fits here and none of these elsewhere, even where the same secret is used twice. A token
 * has no time: clocks of two machines are never compared. It is for one run of the acceptor, and a later one of the same
 * dialler ends it, used or not.
 */
export class LinkTokens {
  private readonly key: Buffer;
  /** The highest count of each run that was here. */
  private readonly counts = new LRUCache<string, number>({ max: REMEMBERED_RUNS });
  private made = 0;

  constructor(secret: string) {
    this.key = createHmac('sha256', secret).update('allspark server links').digest();
  }

  claims(from: PeerIdentity, to: PeerIdentity, versions: VersionRange): LinkClaims {
    this.made += 1;
    return { from, to, versions, nonce: randomId(), count: this.made };
  }

  sign(claims: LinkClaims): string {
    const text = JSON.stringify({ aud: AUDIENCE, ...claims });
    const signed = `${HEADER}.${Buffer.from(text).toString('base64url')}`;
    return `${signed}.${this.mac(signed).toString('base64url')}`;
  }

  /** What a token says that was made with the same secret, however old it is; undefined for all others. */
  read(token: string): LinkClaims | undefined {
    const [header, payload = '', mac = '', more] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.');
    if (header !== HEADER || more !== undefined) return undefined;
    if (!same(this.mac(`${header}.${payload}`), Buffer.from(mac, 'base64url'))) return undefined;
    // Whoever signed it knows the secret, and so does not lie about the form.
    const { aud, ...claims } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as LinkClaims & { aud: string };
    return aud === AUDIENCE ? claims : undefined;
  }

  /** False: this token, or a later one of that run, was used here before. From now on it was. */
  useUp({ from, count }: LinkClaims): boolean {
    if (!(count > (this.counts.get(from.bootId) ?? 0))) return false;
    this.counts.set(from.bootId, count);
    return true;
  }

  /** The acceptor's answer to a token: only who knows the secret can give it, and only to this one. */
  proof(claims: LinkClaims, { version, maxBytes }: LinkTerms): string {
    const { from, to, nonce } = claims;
    const parts = ['acceptor', nonce, from.serverNodeId, from.bootId, to.serverNodeId, to.bootId, version, maxBytes];
    return this.mac(JSON.stringify(parts)).toString('base64url');
  }

  isProof(proof: string, claims: LinkClaims, terms: LinkTerms): boolean {
    return same(Buffer.from(proof), Buffer.from(this.proof(claims, terms)));
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.key).update(text).digest();
  }
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
