import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { UNLIMITED } from '../../config/slices.js';
import type { Identity } from '../../modules/auth/index.js';
import type { HttpSettings } from './http.settings.js';
import { NodeRates } from './node-rates.js';
import { HTTP_SETTINGS } from './testing/http-app.js';

const ALICE = { nodeId: 'alice', role: 'node' } as Identity;
const BACKEND = { nodeId: 'alice', role: 'app' } as Identity;

function rates(settings: Partial<HttpSettings> = {}): { rates: NodeRates; clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, rates: new NodeRates(clock, { ...HTTP_SETTINGS, ...settings }) };
}

function callsBeforeRefusal(of: NodeRates, most: number): number {
  for (let calls = 0; calls < most; calls += 1) {
    try {
      of.call(ALICE);
    } catch {
      return calls;
    }
  }
  return most;
}

describe('the rates of a node by HTTP', () => {
  it('allow 500 calls at once and 50 a second', () => {
    const { rates: of, clock } = rates();
    expect(callsBeforeRefusal(of, 1_000)).toBe(500);
    clock.advance(1_000);
    expect(callsBeforeRefusal(of, 1_000)).toBe(50);
    expect(() => of.call(ALICE)).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterMs: 20 }));
    expect(() => of.call(BACKEND)).not.toThrow();
  });

  it('allow 1,000 messages at once and 200 a second, however they are parted into calls', () => {
    const { rates: of, clock } = rates();
    expect([of.batch(ALICE, 600).messages, of.batch(ALICE, 600).messages]).toEqual([600, 400]);
    clock.advance(1_000);
    expect(of.batch(ALICE, 1_000).messages).toBe(200);
    expect(of.batch(BACKEND, 1_000).messages).toBe(1_000);
    expect(of.batch(ALICE, 1_000).refusal(199)).toMatchObject({ code: 'rate_limited', retryAfterMs: 1_000 });
  });

  it('are none where there is no limit', () => {
    const { rates: of } = rates({ callsPerSecond: UNLIMITED, ratePerSecond: UNLIMITED, callsBurst: 1, rateBurst: 1 });
    expect(callsBeforeRefusal(of, 1_000)).toBe(1_000);
    expect(of.batch(ALICE, 1_000).messages).toBe(1_000);
  });
});
