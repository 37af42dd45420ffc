import { describe, expect, it } from 'vitest';
import type { ValidationGrant, ValidationKeyStore } from '../validation-key-store.js';

/** A store made for one test. */
export interface OpenValidationKeyStore {
  readonly keys: ValidationKeyStore;
  /** Another adapter on the same store, as another server node has it; the wall clock of its host is wrong by `skewMs`. */
  readonly second: (skewMs?: number) => Promise<ValidationKeyStore>;
  readonly close: () => Promise<void>;
}

const ISSUED_AT = 1_700_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export function validationGrant(changes: Partial<ValidationGrant> = {}): ValidationGrant {
  return {
    nodeId: 'a',
    clientId: null,
    role: 'node',
    issuedAt: ISSUED_AT,
    expiresAt: ISSUED_AT + 3_600,
    kid: null,
    serverNodeId: '~s1',
    ...changes,
  };
}

/** Every promise of the port `ValidationKeyStore`, to be run against an adapter. `open` makes an empty store. */
export function validationKeyStoreContract(name: string, open: () => Promise<OpenValidationKeyStore>): void {
  const test = (title: string, run: (opened: OpenValidationKeyStore) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`ValidationKeyStore of ${name}:`, () => {
    test('shows a grant as often as asked', async ({ keys, second }) => {
      const grant = validationGrant({ clientId: 'k', role: 'admin', kid: 'k1' });
      await keys.put('digest', grant, MINUTE_MS);
      expect([await keys.peek('digest'), await (await second()).peek('digest')]).toEqual([grant, grant]);
    });

    test('lets exactly one of many use a grant', async ({ keys, second }) => {
      const adapters = [keys, await second()];
      await keys.put('digest', validationGrant(), MINUTE_MS);
      const uses = await Promise.all(Array.from({ length: 100 }, (_, i) => adapters[i % 2]!.use('digest')));
      expect(uses.filter(Boolean)).toHaveLength(1);
      expect(await keys.peek('digest')).toBeUndefined();
    });

    test('lets each of many grants be used by exactly one, however many ask for all of them at once', async (opened) => {
      const adapters = [opened.keys, await opened.second()];
      const digests = Array.from({ length: 60 }, (_, i) => `digest-${i}`);
      await Promise.all(digests.map((digest) => opened.keys.put(digest, validationGrant(), MINUTE_MS)));
      const asked = [...digests, 'nothing', ...digests.toReversed()];
      const uses = await Promise.all(
        adapters.map((keys) => Promise.all(asked.map(async (digest) => ((await keys.use(digest)) ? [digest] : [])))),
      );
      expect(uses.flat(2).toSorted()).toEqual(digests.toSorted());
      const left = await Promise.all(digests.map((digest) => opened.keys.peek(digest)));
      expect(left.filter((grant) => grant !== undefined)).toEqual([]);
    });

    test('knows nothing of a key that was not put', async ({ keys }) => {
      expect(await keys.peek('nothing')).toBeUndefined();
      expect(await keys.use('nothing')).toBe(false);
    });

    test('keeps one grant when another is used', async ({ keys }) => {
      await keys.put('one', validationGrant(), MINUTE_MS);
      await keys.put('two', validationGrant({ nodeId: 'b' }), MINUTE_MS);
      expect(await keys.use('one')).toBe(true);
      expect((await keys.peek('two'))?.nodeId).toBe('b');
    });

    test('shows no grant that has ended', async ({ keys, second }) => {
      await keys.put('ended', validationGrant(), 0);
      expect([await keys.peek('ended'), await (await second()).peek('ended')]).toEqual([undefined, undefined]);
    });

    test('never forgets a grant that has not ended', async ({ keys }) => {
      await keys.put('kept', validationGrant(), MINUTE_MS);
      await Promise.all(Array.from({ length: 50 }, (_, i) => keys.put(`ended-${i}`, validationGrant(), -1)));
      for (let i = 0; i < 50; i++) await keys.put(`later-${i}`, validationGrant(), MINUTE_MS);
      expect(await keys.use('kept')).toBe(true);
    });

    for (const skewMs of [-DAY_MS, DAY_MS])
      test(`shows and forgets as ever with a process whose clock is wrong by ${skewMs} ms`, async ({
        keys,
        second,
      }) => {
        const wrong = await second(skewMs);
        await keys.put('right', validationGrant(), MINUTE_MS);
        await wrong.put('wrong', validationGrant(), MINUTE_MS);
        await wrong.put('ended', validationGrant(), -1);
        for (const adapter of [keys, wrong]) {
          const shown = await Promise.all(['right', 'wrong', 'ended'].map((digest) => adapter.peek(digest)));
          expect(shown).toEqual([validationGrant(), validationGrant(), undefined]);
        }
        expect([await wrong.use('right'), await keys.use('wrong')]).toEqual([true, true]);
      });

    test('rejects once it is closed', async ({ keys, close }) => {
      await close();
      await expect(keys.put('digest', validationGrant(), MINUTE_MS)).rejects.toThrow();
      await expect(keys.peek('digest')).rejects.toThrow();
      await expect(keys.use('digest')).rejects.toThrow();
    });
  });
}
