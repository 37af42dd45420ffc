import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { RemoteAddress } from '../../common/remote-address.js';
import { TokenBuckets } from '../../common/token-buckets.js';
import { Refusal } from '../../protocol/index.js';
import { AuthSettings } from './auth.settings.js';

const REMEMBERED_ADDRESSES = 10_000;
const LEAST_RETRY_MS = 1_000;

/**
 * Bounds how often one address may come with a key that is not valid, by whichever way. Whoever comes without any is
 * turned away at once, costs nothing and does not count.
 */
@Injectable()
export class FailedAuthentications {
  private readonly buckets: TokenBuckets;

  constructor(
    clock: Clock,
    settings: AuthSettings,
    private readonly address: RemoteAddress,
  ) {
    const { failuresPerSecond, failuresBurst } = settings;
    this.buckets = new TokenBuckets(clock, failuresPerSecond, failuresBurst, REMEMBERED_ADDRESSES);
  }

  /** Before a key is looked at: throws a refusal for an address from which too many were not valid. */
  refuseFlooding(request: IncomingMessage): void {
    const bucket = this.buckets.known(this.address.of(request));
    if (!bucket || bucket.level >= 1) return;
    throw new Refusal('rate_limited', {
      reason: 'too many failed authentications from this address',
      retryAfterMs: Math.max(LEAST_RETRY_MS, bucket.wait),
      limit: 'auth_failures',
    });
  }

  /** The key that the request carried is not valid. */
  add(request: IncomingMessage): void {
    this.buckets.of(this.address.of(request)).take();
  }
}
