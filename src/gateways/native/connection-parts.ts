import type { Clock } from '../../common/clock.js';
import type { LoopLag } from '../../common/loop-lag.js';
import type { Metrics } from '../../common/metrics.js';
import type { StallGuard } from '../../common/stall-guard.js';
import type { FailStop } from '../../modules/routing/index.js';
import type { FlushTurn } from './flush-turn.js';
import type { NativeSettings } from './native.settings.js';
import type { OutboundBudget } from './outbound-budget.js';

/** What all connections of this process share. */
export interface ConnectionParts {
  readonly clock: Clock;
  readonly guard: StallGuard;
  readonly settings: NativeSettings;
  readonly metrics: Metrics;
  readonly turn: FlushTurn;
  readonly budget: OutboundBudget;
  readonly lag: LoopLag;
  /** The memory of failures of one connection. */
  failStop(exhausted: () => void): FailStop;
}
