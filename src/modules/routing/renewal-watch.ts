import { Injectable } from '@nestjs/common';
import { Registrations } from '../connections/index.js';
import { InboxService } from '../inbox/index.js';

/** While nobody knew of the connections of this server node, nobody told it what came for them. */
@Injectable()
export class RenewalWatch {
  constructor(registrations: Registrations, inbox: InboxService) {
    registrations.onRenewed(() => void inbox.lookAtTails());
  }
}
