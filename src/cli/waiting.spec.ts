import { describe, expect, it } from 'vitest';
import { Gate, Signals, within } from './waiting.js';

const never = new Promise<never>(() => undefined);

describe('within', () => {
  it('passes the outcome on', async () => {
    await expect(within(10_000, Promise.resolve('done'), () => new Error('late'))).resolves.toBe('done');
    await expect(within(10_000, Promise.reject(new Error('no')), () => 'late')).rejects.toThrow('no');
  });

  it('throws the error, or gives the value, that stands for too late', async () => {
    await expect(within(1, never, () => new Error('late'))).rejects.toThrow('late');
    await expect(within(1, never, () => 'late')).resolves.toBe('late');
  });
});

describe('Gate', () => {
  it('lets the next in when one leaves', async () => {
    const gate = new Gate(1);
    await gate.enter();
    const steps: string[] = [];
    const second = gate.enter().then(() => steps.push('in'));
    await Promise.resolve();
    steps.push('left');
    gate.leave();
    await second;
    expect(steps).toEqual(['left', 'in']);
  });

  it('is empty at once when nobody came, otherwise when the last has left', async () => {
    const gate = new Gate(2);
    await gate.empty();
    await gate.enter();
    const empty = gate.empty();
    gate.leave();
    await expect(empty).resolves.toBeUndefined();
  });
});

describe('Signals', () => {
  it('reach who waits before or after', async () => {
    const signals = new Signals();
    const early = signals.wait('a');
    signals.raise('a', '1');
    signals.raise('b', '2');
    await expect(early).resolves.toBe('1');
    await expect(signals.wait('b')).resolves.toBe('2');
  });
});
