import { type CanActivate, Injectable } from '@nestjs/common';
import { Lifecycle } from '../../common/lifecycle.js';
import { Refusal } from '../../protocol/index.js';

/** While the process takes its place nothing is accepted; one that drains still answers calls. */
@Injectable()
export class OpenGuard implements CanActivate {
  constructor(private readonly lifecycle: Lifecycle) {}

  canActivate(): true {
    if (this.lifecycle.phase === 'starting') throw new Refusal('retry_later', { reason: 'the server is starting' });
    return true;
  }
}
