import type { JWK } from 'jose';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const FAILURES_PER_SECOND = 20;
const FAILURES_BURST = 200;

/** What an operator may set. At least one of the four sources of keys is needed; each time is in ms. */
export interface AuthOptions {
  /** HS256, at least 32 bytes. */
  readonly secret?: string;
  /** PEM; its kind fixes the algorithm. */
  readonly publicKey?: string;
  /** Address of a JWK Set. */
  readonly jwksUri?: string;
  /** A JWK Set at hand; each key with `kid` and `alg`. */
  readonly keySet?: readonly JWK[];
  /** The set as it is now, asked every 5 s; rejects, naming no key, when there is none that can be read. */
  readonly readKeySet?: () => Promise<readonly JWK[]>;
  /** When given, each auth key must carry it as `iss`. */
  readonly issuer?: string;
  readonly leewayMs?: number;
  readonly maxLifetimeMs?: number;
  readonly validationKeyMs?: number;
  /** Keys that are not valid, from one address: so many a second, and so many at once. */
  readonly failuresPerSecond?: number;
  readonly failuresBurst?: number;
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
}

/** The options with their defaults. Secrets are private fields, so that no dump of this object shows them. */
export class AuthSettings {
  readonly publicKey?: string;
  readonly jwksUri?: string;
  readonly readKeySet?: () => Promise<readonly JWK[]>;
  readonly issuer?: string;
  readonly leewayMs: number;
  readonly maxLifetimeMs: number;
  readonly validationKeyMs: number;
  readonly failuresPerSecond: number;
  readonly failuresBurst: number;
  readonly trustedProxies: readonly string[];
  readonly #secret?: string;
  readonly #keySet: readonly JWK[];

  constructor(options: AuthOptions) {
    this.publicKey = options.publicKey;
    this.jwksUri = options.jwksUri;
    this.readKeySet = options.readKeySet;
    this.issuer = options.issuer;
    this.leewayMs = options.leewayMs ?? 60 * SECOND_MS;
    this.maxLifetimeMs = options.maxLifetimeMs ?? 24 * HOUR_MS;
    this.validationKeyMs = options.validationKeyMs ?? 60 * SECOND_MS;
    this.failuresPerSecond = options.failuresPerSecond ?? FAILURES_PER_SECOND;
    this.failuresBurst = options.failuresBurst ?? FAILURES_BURST;
    this.trustedProxies = options.trustedProxies ?? [];
    this.#secret = options.secret;
    this.#keySet = options.keySet ?? [];
  }

  get secret(): string | undefined {
    return this.#secret;
  }

  get keySet(): readonly JWK[] {
    return this.#keySet;
  }
}
