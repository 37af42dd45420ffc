import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { ConsoleLogger, Logger } from '@nestjs/common';
import type { JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { AuthSettings } from './auth.settings.js';
import { KeyRing } from './key-ring.js';
import { KeySetRenewal } from './key-set-renewal.js';

const jwk = (key: KeyObject, kid: string): JWK => ({ ...key.export({ format: 'jwk' }), kid, alg: 'EdDSA' });
const [old, next] = ['old', 'next'].map((kid) => jwk(generateKeyPairSync('ed25519').publicKey, kid)) as [JWK, JWK];

/** What the log is told. */
const said: string[] = [];
class Listening extends ConsoleLogger {
  override log(message: string): void {
    said.push(message);
  }
  override warn(message: string): void {
    said.push(message);
  }
}
beforeAll(() => Logger.overrideLogger(new Listening()));
afterAll(() => Logger.overrideLogger(true));

let there: readonly JWK[] | Error;
let looks: number;
let clock: ManualClock;
let keys: KeyRing;
let renewal: KeySetRenewal;
beforeEach(() => {
  said.length = 0;
  looks = 0;
  there = [old];
  clock = new ManualClock();
  const readKeySet = async (): Promise<readonly JWK[]> => {
    looks += 1;
    if (there instanceof Error) throw there;
    return there;
  };
  const settings = new AuthSettings({ keySet: [old], readKeySet });
  keys = KeyRing.of(settings, clock);
  renewal = new KeySetRenewal(settings, keys, clock);
});

const isKnown = async (kid: string): Promise<boolean> => (await keys.find({ alg: 'EdDSA', kid })) !== undefined;
const known = async (): Promise<boolean[]> => [await isKnown('old'), await isKnown('next')];

describe('a renewed key set', () => {
  it('lets two keys live at once, and ends the one that is gone from it', async () => {
    there = [old, next];
    await renewal.look();
    expect(await known()).toEqual([true, true]);
    there = [next];
    await renewal.look();
    expect(await known()).toEqual([false, true]);
    expect(said).toEqual(['a new key set is in use: old, next', 'a new key set is in use: next']);
  });

  it('that is the same as before is no news', async () => {
    await renewal.look();
    expect(said).toEqual([]);
  });

  it.each<[string, readonly JWK[] | Error]>([
    ['cannot be read', new Error('no such file')],
    ['has no key at all', []],
    ['has a key that fits no algorithm', [{ ...next, alg: 'RS256' }]],
    ['has one kid twice', [next, next]],
  ])('that %s leaves the old one in use, and is said once', async (_what, set) => {
    there = set;
    await renewal.look();
    await renewal.look();
    expect(await known()).toEqual([true, false]);
    expect(said).toEqual([expect.stringContaining('the old one stays')]);
    there = [next];
    await renewal.look();
    expect(await known()).toEqual([false, true]);
  });

  it('is looked for each five seconds, until the end', async () => {
    renewal.onApplicationBootstrap();
    clock.advance(4_999);
    expect(looks).toBe(0);
    clock.advance(1);
    expect(looks).toBe(1);
    renewal.onApplicationShutdown();
    expect(clock.waiting).toBe(0);
  });

  it('is not looked for where nobody says how', () => {
    const settings = new AuthSettings({ keySet: [old] });
    new KeySetRenewal(settings, KeyRing.of(settings, clock), clock).onApplicationBootstrap();
    expect(clock.waiting).toBe(0);
  });
});
