import type { JWK } from 'jose';
import type { Clock } from '../../common/clock.js';
import { AuthSetupFault } from './auth.errors.js';
import type { AuthSettings } from './auth.settings.js';
import { isAlgorithm, pinJwk, pinPem, pinSecret, type Algorithm, type PinnedKey } from './pinned-key.js';
import { RemoteKeySet, type RemoteKeySetTimes } from './remote-key-set.js';

/**
 * The keys that auth keys are verified with. A token's `kid` only looks up a map and its `alg` must be the one that the
 * key is pinned to; neither ever chooses how a key is used. Several keys live at once, so that one can follow another.
 */
export class KeyRing {
  private constructor(
    private named: ReadonlyMap<string, PinnedKey>,
    private readonly unnamed: ReadonlyMap<Algorithm, PinnedKey>,
    private readonly remote: RemoteKeySet | undefined,
  ) {}

  /** Throws `AuthSetupFault` for a key that cannot be used, and when there is none. */
  static of(settings: AuthSettings, clock: Clock, remoteTimes?: Partial<RemoteKeySetTimes>): KeyRing {
    const remote = settings.jwksUri === undefined ? undefined : remoteKeySet(settings.jwksUri, clock, remoteTimes);
    const ring = new KeyRing(new Map(), unnamedKeys(settings), remote);
    ring.replaceSet(settings.keySet);
    return ring;
  }

  /** Takes this set in place of the one that it has; throws `AuthSetupFault` and keeps that when this cannot be used. */
  replaceSet(set: readonly JWK[]): void {
    const named = namedKeys(set);
    if (named.size + this.unnamed.size === 0 && !this.remote) {
      throw new AuthSetupFault('keys', 'at least one of secret, publicKey, jwksUri, keySet');
    }
    this.named = named;
  }

  /** The key for a token's header. Without `kid` only keys that have none are asked. Throws when a remote set fails. */
  async find(header: { alg?: unknown; kid?: unknown }): Promise<PinnedKey | undefined> {
    const { alg, kid } = header;
    if (!isAlgorithm(alg)) return undefined;
    if (kid === undefined) return this.unnamed.get(alg);
    if (typeof kid !== 'string') return undefined;
    const named = this.named.get(kid);
    if (named) return named.alg === alg ? named : undefined;
    return this.remote?.find(alg, kid);
  }

  /** A key for spending the time of a verification whose outcome is already no, best of that algorithm. */
  decoy(alg: unknown): PinnedKey | undefined {
    const all = [...this.unnamed.values(), ...this.named.values(), ...(this.remote?.known ?? [])];
    return all.find((key) => key.alg === alg) ?? all[0];
  }
}

function unnamedKeys({ secret, publicKey }: AuthSettings): Map<Algorithm, PinnedKey> {
  const keys = new Map<Algorithm, PinnedKey>();
  if (secret !== undefined) keys.set('HS256', pinSecret(secret));
  if (publicKey !== undefined) {
    const pinned = pinPem(publicKey);
    keys.set(pinned.alg, pinned);
  }
  return keys;
}

function namedKeys(set: readonly JWK[]): Map<string, PinnedKey> {
  const keys = new Map<string, PinnedKey>();
  for (const [index, jwk] of set.entries()) {
    const place = `key ${index + 1}`;
    if (typeof jwk.kid !== 'string' || jwk.kid === '') throw new AuthSetupFault('keySet', `${place}: kid is needed`);
    if (keys.has(jwk.kid)) throw new AuthSetupFault('keySet', `${place}: each kid once, ${jwk.kid} comes twice`);
    const pinned = pinJwk(jwk);
    if (typeof pinned === 'string') throw new AuthSetupFault('keySet', `${place} (${jwk.kid}): ${pinned}`);
    keys.set(jwk.kid, pinned);
  }
  return keys;
}

function remoteKeySet(uri: string, clock: Clock, times?: Partial<RemoteKeySetTimes>): RemoteKeySet {
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol)) {
    throw new AuthSetupFault('jwksUri', 'an http:// or https:// address');
  }
  return new RemoteKeySet(uri, clock, times);
}
