import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../../common/lifecycle.js';
import { Overload } from '../../common/overload.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { Heartbeat } from '../../modules/nodes/index.js';

/** Whether new work should be sent here. */
@Injectable()
export class Readiness {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly store: StoreHealth,
    private readonly overload: Overload,
    private readonly heartbeat: Heartbeat,
  ) {}

  /** Why not; empty when it should. */
  reasons(): string[] {
    const { phase } = this.lifecycle;
    const problem = this.store.problem() ?? this.store.slowness();
    const silence = this.heartbeat.problem();
    return [
      ...(phase === 'ready' ? [] : [`the server is ${phase}`]),
      ...(problem === undefined ? [] : [`store: ${problem}`]),
      ...(silence === undefined ? [] : [silence]),
      ...this.overload.shortages.map(({ reason }) => reason),
    ];
  }
}
