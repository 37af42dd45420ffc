import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  type FetchImplementation,
  type JWK,
  type LocalJWKSet,
  type RemoteJWKSet,
} from 'jose';
import type { Clock } from '../../common/clock.js';
import { pinJwk, pinnedTo, type Algorithm, type PinnedKey } from './pinned-key.js';

/** All in ms. */
export interface RemoteKeySetTimes {
  /** A verification waits this long for the address, not longer. */
  readonly timeoutMs: number;
  /** After an answer, an unknown `kid` does not ask again before this. */
  readonly cooldownMs: number;
  /** After a failure nothing asks again before this, so that bad tokens do not turn into a flood of requests. */
  readonly failureCooldownMs: number;
  /** A set older than this is fetched anew. */
  readonly maxAgeMs: number;
  /** While the address fails, the last good set serves this long: its outage is not ours, yet a withdrawn key must end. */
  readonly staleMs: number;
}

const TIMES: RemoteKeySetTimes = {
  timeoutMs: 3_000,
  cooldownMs: 30_000,
  failureCooldownMs: 2_000,
  maxAgeMs: 600_000,
  staleMs: 3_600_000,
};

const MAX_BYTES = 262_144;

/** A JWK Set behind an address. What it says is judged like any input: each key is pinned to its algorithm or left out. */
export class RemoteKeySet {
  private readonly keys: RemoteJWKSet;
  private readonly times: RemoteKeySetTimes;
  private lastGood?: { text: string; keys: LocalJWKSet; at: number };
  private lastFound: PinnedKey | undefined;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(
    uri: string,
    private readonly clock: Clock,
    times: Partial<RemoteKeySetTimes> = {},
  ) {
    this.times = { ...TIMES, ...times };
    this.keys = createRemoteJWKSet(new URL(uri), {
      timeoutDuration: this.times.timeoutMs,
      cooldownDuration: this.times.cooldownMs,
      cacheMaxAge: this.times.maxAgeMs,
      [customFetch]: (url, options) => this.load(url, options),
    });
  }

  /** The key of that name when it is pinned to that algorithm, otherwise `undefined`; throws when the set cannot be had. */
  async find(alg: Algorithm, kid: string): Promise<PinnedKey | undefined> {
    // An HMAC key at an address that others can read is no secret.
    if (alg === 'HS256') return undefined;
    const material = (await this.knownAlready(alg, kid)) ?? (await this.keys({ alg, kid }));
    return (this.lastFound = pinnedTo(alg, material));
  }

  /** One of the keys that were used. */
  get known(): PinnedKey[] {
    return this.lastFound ? [this.lastFound] : [];
  }

  /**
   * While a set has to be fetched anew, a key of the last good one is used meanwhile: an address that is slow holds up
   * nobody whose key is known.
   */
  private async knownAlready(alg: Algorithm, kid: string): Promise<CryptoKey | undefined> {
    const { lastGood, times } = this;
    if (!lastGood || this.keys.fresh || this.clock.monotonic() - lastGood.at > times.staleMs) return undefined;
    this.keys.reload().catch(() => undefined);
    return lastGood.keys({ alg, kid }).catch(() => undefined);
  }

  private async load(...request: Parameters<FetchImplementation>): Promise<Response> {
    const now = this.clock.monotonic();
    if (now - this.failedAt < this.times.failureCooldownMs) return this.fallBack(now);
    try {
      const text = await fetchPinned(...request);
      this.lastGood = { text, keys: createLocalJWKSet(JSON.parse(text) as { keys: JWK[] }), at: now };
      this.failedAt = Number.NEGATIVE_INFINITY;
      return new Response(text);
    } catch {
      this.failedAt = this.clock.monotonic();
      return this.fallBack(this.failedAt);
    }
  }

  private fallBack(now: number): Response {
    if (!this.lastGood || now - this.lastGood.at > this.times.staleMs) throw new Error('the JWK Set cannot be had');
    return new Response(this.lastGood.text);
  }
}

async function fetchPinned(...[url, options]: Parameters<FetchImplementation>): Promise<string> {
  const response = await fetch(url, options);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const set = JSON.parse(await readBounded(response)) as { keys?: unknown } | null;
  if (!Array.isArray(set?.keys)) throw new Error('not a JWK Set');
  return JSON.stringify({ keys: pinnedOnly(set.keys as unknown[]) });
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Public keys with a `kid` of their own and one algorithm. A `kid` twice is ambiguous: neither is taken. */
function pinnedOnly(keys: readonly unknown[]): JWK[] {
  const named = keys.map(withAlgorithm).filter((key) => key !== undefined);
  const uses = new Map<unknown, number>();
  for (const { kid } of named) uses.set(kid, (uses.get(kid) ?? 0) + 1);
  return named.filter(({ kid }) => uses.get(kid) === 1);
}

/** Many publishers leave `alg` out; then the kind of the key fixes it, never the token. */
function withAlgorithm(given: unknown): JWK | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const jwk = given as JWK;
  if (typeof jwk.kid !== 'string' || jwk.kty === 'oct') return undefined;
  const pinned = { ...jwk, alg: jwk.alg ?? algorithmOfKind(jwk) };
  return typeof pinJwk(pinned) === 'string' ? undefined : pinned;
}

function algorithmOfKind({ kty, crv }: JWK): Algorithm | undefined {
  if (kty === 'RSA') return 'RS256';
  if (kty === 'EC') return crv === 'P-256' ? 'ES256' : undefined;
  return crv === 'Ed25519' ? 'EdDSA' : undefined;
}
