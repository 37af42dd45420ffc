import { describe, expect, it } from 'vitest';
import type { StoreHealth } from '../store-health.js';

/** A store whose surroundings a test can spoil. */
export interface OpenStoreHealth {
  readonly health: StoreHealth;
  /** Makes durable messages impossible for the time being. */
  readonly spoil: () => Promise<void>;
  readonly mend: () => Promise<void>;
  /** Breaks the store for good. */
  readonly breakStore: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Every promise of the port `StoreHealth`. */
export function storeHealthContract(name: string, open: () => Promise<OpenStoreHealth>): void {
  const test = (title: string, run: (opened: OpenStoreHealth) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`StoreHealth of ${name}:`, () => {
    test('has no problem at first', async ({ health }) => {
      expect(health.problem()).toBeUndefined();
      expect(health.slowness()).toBeUndefined();
      expect(health.isStuck).toBe(false);
      expect(health.silentMs()).toBe(0);
    });

    test('names a problem while there is one', async ({ health, spoil, mend }) => {
      await spoil();
      expect(health.problem()).toMatch(/\w/);
      await mend();
      expect(health.problem()).toBeUndefined();
      expect(health.silentMs()).toBe(0);
    });

    test('calls once when the store broke, and names the problem ever after', async ({ health, breakStore, mend }) => {
      const calls: Error[] = [];
      health.onFatal((error) => calls.push(error));
      await breakStore();
      await mend();
      expect(calls).toHaveLength(1);
      expect(health.problem()).toMatch(/\w/);
    });

    test('calls whoever asks after it broke', async ({ health, breakStore }) => {
      await breakStore();
      const calls: Error[] = [];
      health.onFatal((error) => calls.push(error));
      expect(calls).toHaveLength(1);
    });

    test('has a problem once it is closed', async ({ health, close }) => {
      await close();
      expect(health.problem()).toMatch(/\w/);
    });
  });
}
