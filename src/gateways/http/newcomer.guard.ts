import { type CanActivate, Injectable } from '@nestjs/common';
import type { LimitName } from '../../common/limit-names.js';
import { Overload, type Shortage } from '../../common/overload.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { ServerNodesView } from '../../modules/nodes/index.js';
import { Refusal } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';

/**
 * Refuses who could be sent nowhere, before anything is done for it: nobody new makes an overload worse. While there are
 * other server nodes, one of them may have room.
 */
@Injectable()
export class NewcomerGuard implements CanActivate {
  constructor(
    private readonly overload: Overload,
    private readonly store: StoreHealth,
    private readonly view: ServerNodesView,
    private readonly settings: HttpSettings,
  ) {}

  canActivate(): true {
    if (this.store.silentMs() >= this.settings.storeLostMs)
      throw later('the store is away', 'store_lost', this.settings);
    const [shortage] = this.overload.shortages;
    if (shortage && !this.view.others) throw overloaded(shortage, this.settings);
    return true;
  }
}

export function overloaded({ limit }: Shortage, settings: HttpSettings): Refusal {
  return later('the server node is overloaded', limit, settings);
}

/** At random, so that a crowd that was refused together does not come back together. */
function later(reason: string, limit: LimitName, { retryMinMs, retryMaxMs }: HttpSettings): Refusal {
  const retryAfterMs = Math.round(retryMinMs + Math.random() * (retryMaxMs - retryMinMs));
  return new Refusal('retry_later', { reason, retryAfterMs, limit });
}
