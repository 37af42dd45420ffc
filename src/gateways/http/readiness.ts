import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../../common/lifecycle.js';
import { LoopLag } from '../../common/loop-lag.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { Heartbeat } from '../../modules/nodes/index.js';

/** Whether new work should be sent here. */
@Injectable()
export class Readiness {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly store: StoreHealth,
    private readonly lag: LoopLag,
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
      ...(this.lag.tooLate ? [`the event loop lags ${Math.round(this.lag.currentMs)} ms`] : []),
    ];
  }
}
