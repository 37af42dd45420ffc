import { Injectable } from '@nestjs/common';
import { Refusal } from '../../protocol/index.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { bearerToken } from './bearer-token.js';
import { CallerSeen } from './caller-seen.js';
import type { Identity } from './identity.js';
import { ValidationKeys } from './validation-keys.js';

/** What an upgrade request shows: the `Authorization` header as it came, and `validation_key` of the query. */
export interface UpgradeCredentials {
  readonly authorization?: string;
  readonly validationKey?: string;
}

export interface AuthenticatedUpgrade {
  readonly identity: Identity;
  /**
   * The last step before the 101: makes the caller known, then uses a validation key up. False: another one was faster,
   * and the answer is the same `unauthorized`. Rejects with what `CallerSeen` throws; then the key is still good.
   */
  commit(): Promise<boolean>;
}

/** Decides who opens a websocket, before the 101. */
@Injectable()
export class UpgradeAuthenticator {
  constructor(
    private readonly verifier: AuthKeyVerifier,
    private readonly validationKeys: ValidationKeys,
    private readonly callers: CallerSeen,
  ) {}

  /**
   * `direct`: whether an auth key may open a websocket without the pre-connection step. Throws
   * `Refusal('bad_handshake')` when both credentials are given, otherwise one and the same `Refusal('unauthorized')`.
   */
  async authenticate(
    { authorization, validationKey }: UpgradeCredentials,
    serverNodeId: string,
    direct: boolean,
  ): Promise<AuthenticatedUpgrade> {
    if (validationKey === undefined) return this.byAuthKey(direct ? bearerToken(authorization) : null);
    if (authorization === undefined) return this.byValidationKey(validationKey, serverNodeId);
    throw new Refusal('bad_handshake', { reason: 'either validation_key or an Authorization header, not both' });
  }

  private async byAuthKey(token: string | null): Promise<AuthenticatedUpgrade> {
    const identity = await this.verifier.verify(token ?? '');
    return { identity, commit: () => this.callers.seen(identity).then(() => true) };
  }

  private async byValidationKey(validationKey: string, serverNodeId: string): Promise<AuthenticatedUpgrade> {
    const grant = await this.validationKeys.peek(validationKey, serverNodeId);
    if (!grant) throw new Refusal('unauthorized');
    const { nodeId, clientId, role, issuedAt, expiresAt, kid } = grant;
    const identity = { nodeId, clientId, role, issuedAt, expiresAt, kid };
    const commit = async (): Promise<boolean> => {
      await this.callers.seen(identity);
      return this.validationKeys.use(validationKey);
    };
    return { identity, commit };
  }
}
