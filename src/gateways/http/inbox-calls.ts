import { Injectable } from '@nestjs/common';
import type { Identity } from '../../modules/auth/index.js';
import { InboxService } from '../../modules/inbox/index.js';
import { inboxPageJson, inboxQuery } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';
import type { Acknowledged, Acknowledgement, InboxBounds } from './inbox.schema.js';

@Injectable()
export class InboxCalls {
  constructor(
    private readonly inbox: InboxService,
    private readonly settings: HttpSettings,
  ) {}

  /** A page as JSON text: payloads are in it byte for byte. */
  async page({ nodeId }: Identity, bounds: InboxBounds): Promise<string> {
    const { pageMessages, pageMaxMessages, pageBytes } = this.settings;
    const query = { limit: pageMessages, ...inboxQuery(bounds, pageMaxMessages) };
    return inboxPageJson(await this.inbox.page(nodeId, query, pageBytes));
  }

  async acknowledge({ nodeId }: Identity, { seq, epoch }: Acknowledgement): Promise<Acknowledged> {
    return { acked_seq: await this.inbox.acknowledgeNow(nodeId, seq, epoch) };
  }
}
