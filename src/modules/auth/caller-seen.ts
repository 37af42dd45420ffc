import { Injectable } from '@nestjs/common';
import type { Identity } from './identity.js';

/** Is told of every caller whose key is valid, before it gets an answer. */
export abstract class CallerSeen {
  /** Awaited on every call and every upgrade: must be cheap for a caller seen before. What it throws is the answer. */
  abstract seen(identity: Identity): Promise<void>;
}

@Injectable()
export class NobodyWatches extends CallerSeen {
  async seen(): Promise<void> {}
}
