import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { AuthSettings } from './auth.settings.js';
import type { KeyHolder } from './end-orders.js';
import { ForcedEnds } from './forced-ends.js';

const SECOND_MS = 1_000;
/** The clocks of server nodes and of their backends may differ; none of them by so much. */
const MARGIN_MS = 3_600_000;

/** Takes issued auth keys back before their time. */
@Injectable()
export class Revocations {
  constructor(
    private readonly ends: ForcedEnds,
    private readonly settings: AuthSettings,
    private readonly clock: Clock,
  ) {}

  /**
   * Refuses all keys of the holder whose `iat` is not later than this second, from now on here and within two seconds
   * everywhere; later ones are good. Answers the end of that second, ms since 1970. Durable when it resolves.
   */
  async revoke(holder: KeyHolder, reason = ''): Promise<number> {
    const now = this.clock.now();
    const issuedUntil = Math.floor(now / SECOND_MS);
    const keepMs = this.settings.maxLifetimeMs + this.settings.leewayMs + MARGIN_MS;
    await this.ends.give({ kind: 'keys', ...holder, issuedUntil, reason, until: now + keepMs }, keepMs);
    return (issuedUntil + 1) * SECOND_MS;
  }
}
