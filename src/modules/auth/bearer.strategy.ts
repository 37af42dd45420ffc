import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { Refusal } from '../../protocol/index.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { bearerToken } from './bearer-token.js';
import type { Identity } from './identity.js';

export const BEARER_STRATEGY = 'allspark';

/**
 * The passport strategy, with our own verifier in place of the one of passport-jwt. That one is shared by all strategies
 * of a process, so it is left alone and `authenticate` is overridden. An application may use it by name,
 * `AuthGuard('allspark')`; names are global to the process, hence our own guard asks its own instance.
 */
@Injectable()
export class BearerStrategy extends PassportStrategy(Strategy, BEARER_STRATEGY) {
  constructor(private readonly verifier: AuthKeyVerifier) {
    super({
      jwtFromRequest: (request: IncomingMessage) => bearerToken(request.headers.authorization),
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: Error) => void) =>
        done(new Error('keys are looked up by the verifier')),
    });
  }

  validate(token: string): Promise<Identity> {
    return this.verifier.verify(token);
  }

  override authenticate(request: IncomingMessage): void {
    this.validate(bearerToken(request.headers.authorization) ?? '').then(
      (identity) => this.success(identity),
      (error: Error) => (error instanceof Refusal ? this.fail(error.status) : this.error(error)),
    );
  }

  /** Decides about one request. Rejects with `Refusal('unauthorized')`. */
  decide(request: IncomingMessage): Promise<Identity> {
    return new Promise((resolve, reject) => {
      // Passport's actions are set on the strategy: on a shared one, requests at the same time would swap identities.
      const attempt = Object.create(this) as BearerStrategy;
      attempt.success = resolve;
      attempt.fail = () => reject(new Refusal('unauthorized'));
      attempt.error = reject;
      attempt.authenticate(request);
    });
  }
}
