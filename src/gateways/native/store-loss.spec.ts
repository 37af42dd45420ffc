import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import type { Drain } from './drain.js';
import { StoreLoss } from './store-loss.js';
import { NATIVE_SETTINGS } from '../../../test/support/native-app.js';

class Store extends StoreHealth {
  lostAt: number | undefined;

  constructor(private readonly clock: ManualClock) {
    super();
  }

  problem(): undefined {}
  onFatal(): void {}

  override silentMs(): number {
    return this.lostAt === undefined ? 0 : this.clock.monotonic() - this.lostAt;
  }
}

let clock: ManualClock;
let store: Store;
let metrics: Metrics;
let closings: number;
let loss: StoreLoss;

beforeEach(() => {
  clock = new ManualClock();
  store = new Store(clock);
  metrics = new Metrics();
  closings = 0;
  const closeAll = async (): Promise<void> => void (closings += 1);
  loss = new StoreLoss(store, { closeAll } as Drain, NATIVE_SETTINGS, metrics, clock);
  loss.onApplicationBootstrap();
});

afterEach(() => loss.onApplicationShutdown());

describe('the loss of the store', () => {
  it('sends everybody away after 30 s, once', () => {
    store.lostAt = clock.monotonic();
    clock.advance(29_500);
    expect(closings).toBe(0);
    clock.advance(500);
    expect(closings).toBe(1);
    clock.advance(600_000);
    expect(closings).toBe(1);
  });

  it('that is shorter than 30 s sends nobody away, and each longer one does', async () => {
    for (const lostMs of [29_000, 31_000, 20_000, 40_000]) {
      store.lostAt = clock.monotonic();
      clock.advance(lostMs);
      store.lostAt = undefined;
      clock.advance(1_000);
    }
    expect(closings).toBe(2);
    expect(await metrics.text()).toContain('allspark_limit_hits_total{limit="store_lost"} 2');
  });

  it('is watched no more after the shutdown', () => {
    loss.onApplicationShutdown();
    expect(clock.waiting).toBe(0);
  });
});
