import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { MessageRate, type Verdict } from './message-rate.js';

const LIMITS = { ratePerSecond: 10, rateBurst: 20, ratePauseMs: 5_000, rateAbuseFactor: 4, rateAbuseMs: 10_000 };

function sender(limits = LIMITS) {
  const clock = new ManualClock();
  const rate = new MessageRate(clock, limits);
  const offer = (): Verdict => {
    const verdict = rate.judge();
    if (verdict === 'pass') rate.spend(1);
    return verdict;
  };
  /** Offers so many a second for so long; answers how often each verdict fell. */
  const offerFor = (seconds: number, perSecond: number): Map<Verdict, number> => {
    const counts = new Map<Verdict, number>();
    for (let index = 0; index < seconds * perSecond; index += 1) {
      clock.advance(1_000 / perSecond);
      const verdict = offer();
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    }
    return counts;
  };
  return { clock, offer, offerFor };
}

describe('the rate of one connection', () => {
  it('lets a burst pass, then waits', () => {
    const { offer } = sender();
    const verdicts = Array.from({ length: 21 }, offer);
    expect(verdicts.slice(0, 20)).toEqual(Array(20).fill('pass'));
    expect(verdicts[20]).toBe('wait');
  });

  it('never holds up who stays below it', () => {
    expect([...sender().offerFor(60, 9).keys()]).toEqual(['pass']);
  });

  it('refuses the excess of who is too fast for longer than the pause, and lets the rest pass', () => {
    const { offerFor } = sender();
    offerFor(2, 40);
    offerFor(5, 20);
    const counts = offerFor(10, 20);
    expect(counts.get('wait')).toBeUndefined();
    expect(counts.get('pass')).toBeCloseTo(100, -1);
    expect(counts.get('refuse')).toBeCloseTo(100, -1);
  });

  it('refuses at once when there is no pause', () => {
    const { offer } = sender({ ...LIMITS, ratePauseMs: 0 });
    expect(Array.from({ length: 21 }, offer).at(-1)).toBe('refuse');
  });

  it('forgets it once a second of messages has gathered', () => {
    const { clock, offer, offerFor } = sender();
    offerFor(10, 30);
    clock.advance(1_100);
    expect(offer()).toBe('pass');
    const verdicts = Array.from({ length: 30 }, offer);
    expect(verdicts).not.toContain('refuse');
    expect(verdicts.at(-1)).toBe('wait');
  });

  it('calls it abuse when it is many times too much for the whole time', () => {
    const { offerFor } = sender();
    const counts = offerFor(20, 50);
    expect(counts.get('abuse')).toBe(1);
  });

  it('does not call it abuse below that', () => {
    expect(sender().offerFor(60, 38).get('abuse')).toBeUndefined();
  });
});
