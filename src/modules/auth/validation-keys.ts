import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import { AuthSettings } from './auth.settings.js';
import type { Identity } from './identity.js';
import { RevokedKeys } from './revoked-keys.js';
import { ValidationKeyStore, type ValidationGrant } from './validation-key-store.js';

const SECOND_MS = 1_000;
const KEY_FORM = /^[A-Za-z0-9_-]{22}$/;

export interface IssuedValidationKey {
  readonly validationKey: string;
  readonly expiresInSeconds: number;
}

/** Short-lived keys that open one websocket on one server node, for callers that cannot send headers. */
@Injectable()
export class ValidationKeys {
  constructor(
    private readonly store: ValidationKeyStore,
    private readonly settings: AuthSettings,
    private readonly clock: Clock,
    private readonly revoked: RevokedKeys,
  ) {}

  /** A new key that carries the identity on; stored when it resolves. Only its digest is kept. */
  async issue(identity: Identity, serverNodeId: string): Promise<IssuedValidationKey> {
    const validMs = Math.max(0, Math.min(this.settings.validationKeyMs, this.restOf(identity)));
    const validationKey = randomId();
    await this.store.put(digestOf(validationKey), grantFor(identity, serverNodeId), validMs);
    return { validationKey, expiresInSeconds: Math.floor(validMs / SECOND_MS) };
  }

  /** What it opens here and now, or `undefined`: unknown, used, expired, revoked, of another server node. Uses nothing up. */
  async peek(validationKey: string, serverNodeId: string): Promise<ValidationGrant | undefined> {
    if (!KEY_FORM.test(validationKey)) return undefined;
    const grant = await this.store.peek(digestOf(validationKey));
    if (!grant || grant.serverNodeId !== serverNodeId || this.revoked.isRevoked(grant)) return undefined;
    return this.restOf(grant) > 0 ? grant : undefined;
  }

  /** Uses the key up: true for exactly one caller in the whole cluster. Does not look at the time: `peek` comes first. */
  async use(validationKey: string): Promise<boolean> {
    return KEY_FORM.test(validationKey) && this.store.use(digestOf(validationKey));
  }

  /** How long the auth key is good yet, ms: judged by the clock here, as where it is shown itself. */
  private restOf({ expiresAt }: { expiresAt: number }): number {
    return expiresAt * SECOND_MS + this.settings.leewayMs - this.clock.now();
  }
}

function digestOf(validationKey: string): string {
  return createHash('sha256').update(validationKey).digest('base64url');
}

function grantFor(identity: Identity, serverNodeId: string): ValidationGrant {
  const { nodeId, clientId, role, issuedAt, expiresAt, kid } = identity;
  return { nodeId, clientId, role, issuedAt, expiresAt, kid, serverNodeId };
}
