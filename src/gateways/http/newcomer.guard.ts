import { type CanActivate, Injectable } from '@nestjs/common';
import type { LimitName } from '../../common/limit-names.js';
import { Overload } from '../../common/overload.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { Refusal } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';

/** Refuses whom the handshake would refuse, before anything is done for it: nobody new makes an overload worse. */
@Injectable()
export class NewcomerGuard implements CanActivate {
  constructor(
    private readonly overload: Overload,
    private readonly store: StoreHealth,
    private readonly settings: HttpSettings,
  ) {}

  canActivate(): true {
    const [shortage] = this.overload.shortages;
    if (shortage) throw this.later('the server node is overloaded', shortage.limit);
    if (this.store.silentMs() >= this.settings.storeLostMs) throw this.later('the store is away', 'store_lost');
    return true;
  }

  /** At random, so that a crowd that was refused together does not come back together. */
  private later(reason: string, limit: LimitName): Refusal {
    const { retryMinMs, retryMaxMs } = this.settings;
    const retryAfterMs = Math.round(retryMinMs + Math.random() * (retryMaxMs - retryMinMs));
    return new Refusal('retry_later', { reason, retryAfterMs, limit });
  }
}
