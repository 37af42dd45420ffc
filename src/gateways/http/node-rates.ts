import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { TokenBuckets } from '../../common/token-buckets.js';
import { type Identity, isAllowed } from '../../modules/auth/index.js';
import { Refusal } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';

/** Of a batch: how many messages may pass, and the refusal of each that comes behind them. */
export interface Allowance {
  readonly messages: number;
  /** `place`: 0 for the first that may not pass. */
  refusal(place: number): Refusal;
}

/** How much one node may ask for by HTTP. A trusted backend speaks for many: it has no such limits. */
@Injectable()
export class NodeRates {
  private readonly calls: TokenBuckets;
  private readonly messages: TokenBuckets;

  constructor(
    clock: Clock,
    private readonly settings: HttpSettings,
  ) {
    this.calls = new TokenBuckets(clock, settings.callsPerSecond, settings.callsBurst);
    this.messages = new TokenBuckets(clock, settings.ratePerSecond, settings.rateBurst);
  }

  /** One more call; throws the refusal of one too many. */
  call({ nodeId, role }: Identity): void {
    if (isAllowed(role, ['app'])) return;
    const bucket = this.calls.of(nodeId);
    if (bucket.take()) return;
    const reason = `at most ${this.settings.callsPerSecond} calls a second`;
    throw new Refusal('rate_limited', { reason, retryAfterMs: Math.max(1, bucket.wait), limit: 'http_calls' });
  }

  /** The messages of one call. What does not pass costs nothing, else one who tries again would never be let in. */
  batch({ nodeId, role }: Identity, messages: number): Allowance {
    const reason = `at most ${this.settings.ratePerSecond} messages a second`;
    const bucket = isAllowed(role, ['app']) ? undefined : this.messages.of(nodeId);
    const refusal = (place: number): Refusal => {
      const retryAfterMs = Math.max(1, bucket?.waitFor(place + 1) ?? 1);
      return new Refusal('rate_limited', { reason, retryAfterMs, limit: 'rest_messages' });
    };
    return { messages: bucket?.takeUpTo(messages) ?? messages, refusal };
  }
}
