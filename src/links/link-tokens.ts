import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/clock.js';
import { randomId } from '../common/ids.js';
import type { PeerIdentity } from './peer-addresses.js';
import type { VersionRange } from './versions.js';

/** The whole header of a token, for there is one kind: whatever else stands there is none of ours. */
const HEADER = Buffer.from('{"alg":"HS256","typ":"allspark-link"}').toString('base64url');
const AUDIENCE = 'allspark-link';
const LIFE_MS = 30_000;
const MAX_TOKEN_LENGTH = 2_048;

/** Who opens a link to whom, and in which versions it can speak. */
export interface LinkClaims {
  readonly from: PeerIdentity;
  readonly to: PeerIdentity;
  readonly versions: VersionRange;
  /** Makes the token good for one link, and the acceptor prove itself anew for each. */
  readonly nonce: string;
  /** ms since 1970, by the clock of who made it. */
  readonly issuedAt: number;
}

/** What the acceptor says of itself and of the link. */
export interface LinkTerms {
  readonly version: number;
  /** The largest message that it takes, bytes. */
  readonly maxBytes: number;
}

/**
 * How two server nodes prove to each other that they belong to one cluster. The key is derived from the shared secret,
 * so that no token of another kind fits here and none of these elsewhere, even where the same secret is used twice.
 */
export class LinkTokens {
  private readonly key: Buffer;
  /** Nonces of tokens that opened a link, with the time from when their tokens are too old anyway. */
  private readonly used = new Map<string, number>();

  constructor(
    secret: string,
    private readonly clock: Clock,
    private readonly leewayMs: number,
  ) {
    this.key = createHmac('sha256', secret).update('allspark server links').digest();
  }

  claims(from: PeerIdentity, to: PeerIdentity, versions: VersionRange): LinkClaims {
    return { from, to, versions, nonce: randomId(), issuedAt: this.clock.now() };
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

  /** Whether the token is of our time and was not used here before; from now on it was. */
  useUp({ nonce, issuedAt }: LinkClaims): 'used' | 'stale' | 'replayed' {
    const now = this.clock.now();
    this.forgetOld(now);
    if (issuedAt > now + this.leewayMs || issuedAt + LIFE_MS + this.leewayMs < now) return 'stale';
    if (this.used.has(nonce)) return 'replayed';
    this.used.set(nonce, issuedAt + LIFE_MS + this.leewayMs);
    return 'used';
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

  /** Nonces that are held in memory. */
  get remembered(): number {
    return this.used.size;
  }

  private forgetOld(now: number): void {
    for (const [nonce, end] of this.used) if (end < now) this.used.delete(nonce);
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.key).update(text).digest();
  }
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
