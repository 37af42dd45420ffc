import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { Clock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import { AuthSettings } from './auth.settings.js';
import { identityOf, type Identity } from './identity.js';
import { KeyRing } from './key-ring.js';
import type { PinnedKey } from './pinned-key.js';
import { RevokedKeys } from './revoked-keys.js';

export const AUDIENCE = 'allspark';
const MAX_TOKEN_LENGTH = 8_192;
const SECOND_MS = 1_000;
/** What is said of a token whose signature was looked at. */
const LOOKED_AT = [
  errors.JWSSignatureVerificationFailed,
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
];

class NoSuchKey extends errors.JOSEError {}

/** The one judge of auth keys, for HTTP and for the websocket upgrade. */
@Injectable()
export class AuthKeyVerifier {
  constructor(
    private readonly keys: KeyRing,
    private readonly settings: AuthSettings,
    private readonly clock: Clock,
    private readonly revoked: RevokedKeys,
  ) {}

  /** Who the key speaks for. Throws `Refusal('unauthorized')`, the same in every case: the answer must not tell why. */
  async verify(token: string): Promise<Identity> {
    const outcome = await this.diagnose(token);
    if (typeof outcome === 'string') throw new Refusal('unauthorized');
    return outcome;
  }

  /** As `verify`, but says what is wrong with the key. For the operator's eyes only, never for an answer. */
  async diagnose(token: string): Promise<Identity | string> {
    if (token.length > MAX_TOKEN_LENGTH) return `longer than ${MAX_TOKEN_LENGTH} characters`;
    try {
      return await this.judge(token);
    } catch (error) {
      if (!LOOKED_AT.some((kind) => error instanceof kind)) await this.lookAtADecoy(token);
      return error instanceof errors.JOSEError ? error.message : 'not a token, or the keys cannot be had';
    }
  }

  private async judge(token: string): Promise<Identity | string> {
    const { alg, kid } = decodeProtectedHeader(token);
    const key = await this.keys.find({ alg, kid });
    if (!key) throw new NoSuchKey('no key of this kid and algorithm');
    const claims = await this.verifiedClaims(token, key);
    const identity = this.faultOfTimes(claims) ?? identityOf(claims, kid ?? null);
    return typeof identity !== 'string' && this.revoked.isRevoked(identity) ? 'revoked' : identity;
  }

  private async verifiedClaims(token: string, key: PinnedKey): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, key.material, {
      algorithms: [key.alg],
      audience: AUDIENCE,
      issuer: this.settings.issuer,
      requiredClaims: ['sub', 'iat', 'exp'],
      clockTolerance: this.settings.leewayMs / SECOND_MS,
      currentDate: new Date(this.clock.now()),
    });
    return payload;
  }

  private faultOfTimes({ iat = Number.NaN, exp = Number.NaN }: JWTPayload): string | undefined {
    const lifetimeMs = (exp - iat) * SECOND_MS;
    if (!Number.isFinite(lifetimeMs) || lifetimeMs <= 0) return 'exp must be later than iat';
    if (lifetimeMs > this.settings.maxLifetimeMs) return `lives longer than ${this.settings.maxLifetimeMs} ms`;
    if (iat * SECOND_MS > this.clock.now() + this.settings.leewayMs) return 'iat lies in the future';
    return undefined;
  }

  /**
   * Whatever is wrong, one signature is looked at, so that the clock does not tell which names and algorithms there are,
   * nor how far a token got.
   */
  private async lookAtADecoy(token: string): Promise<void> {
    const decoy = this.keys.decoy(algorithmIn(token));
    if (decoy) await this.verifiedClaims(decoyToken(decoy, token.length), decoy).catch(() => undefined);
  }
}

function algorithmIn(token: string): unknown {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    return undefined;
  }
}

/** A token of about that length with a signature of the right form, and wrong. */
function decoyToken({ alg, signatureBytes }: PinnedKey, length: number): string {
  const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
  const signature = Buffer.alloc(signatureBytes, 1).toString('base64url');
  return `${header}.${'A'.repeat(Math.max(4, length - header.length - signature.length))}.${signature}`;
}
