import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { AuthSettings } from './auth.settings.js';
import type { Identity } from './identity.js';
import { ValidationKeyStore, type ValidationGrant } from './validation-key-store.js';
import type { IssuedKey } from './end-orders.js';
import { RevokedKeys } from './revoked-keys.js';
import { ValidationKeys } from './validation-keys.js';

class MapStore extends ValidationKeyStore {
  readonly grants = new Map<string, { grant: ValidationGrant; end: number }>();

  async put(digest: string, grant: ValidationGrant, ms: number): Promise<void> {
    this.grants.set(digest, { grant, end: storeClock.now() + ms });
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    const { grant, end = 0 } = this.grants.get(digest) ?? {};
    return storeClock.now() < end ? grant : undefined;
  }

  async use(digest: string): Promise<boolean> {
    return this.grants.delete(digest);
  }
}

class Withdrawn extends RevokedKeys {
  readonly asked: IssuedKey[] = [];
  answer = false;

  isRevoked(key: IssuedKey): boolean {
    this.asked.push(key);
    return this.answer;
  }
}

const HERE = '~shere';
let clock: ManualClock;
let storeClock: ManualClock;
let store: MapStore;
let keys: ValidationKeys;
let identity: Identity;
let revoked: Withdrawn;

beforeEach(() => {
  clock = new ManualClock();
  storeClock = new ManualClock();
  store = new MapStore();
  revoked = new Withdrawn();
  keys = new ValidationKeys(store, new AuthSettings({ secret: 's'.repeat(32) }), clock, revoked);
  const issuedAt = clock.now() / 1_000;
  identity = { nodeId: 'phone', clientId: 'ann', role: 'app', issuedAt, expiresAt: issuedAt + 600, kid: 'k' };
});

function pass(ms: number): void {
  for (const each of [clock, storeClock]) each.advance(ms);
}

describe('a validation key', () => {
  it('carries on the identity, here, for a minute', async () => {
    const { validationKey, expiresInSeconds } = await keys.issue(identity, HERE);
    expect(expiresInSeconds).toBe(60);
    pass(59_999);
    expect(await keys.peek(validationKey, HERE)).toEqual({ ...identity, serverNodeId: HERE });
    pass(1);
    expect(await keys.peek(validationKey, HERE)).toBeUndefined();
  });

  it.each([-90_000, 90_000])(
    'opens where the clock is wrong by %i ms, as long as its auth key does',
    async (skewMs) => {
      const { validationKey } = await keys.issue(identity, HERE);
      const settings = new AuthSettings({ secret: 's'.repeat(32) });
      const there = new ValidationKeys(store, settings, new ManualClock(clock.now() + skewMs), revoked);
      expect(await there.peek(validationKey, HERE)).toMatchObject(identity);
      pass(60_000);
      expect(await there.peek(validationKey, HERE)).toBeUndefined();
    },
  );

  it('opens nothing once the auth key behind it was revoked', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    expect(await keys.peek(validationKey, HERE)).toBeDefined();
    revoked.answer = true;
    expect(await keys.peek(validationKey, HERE)).toBeUndefined();
    const { nodeId, clientId, kid, issuedAt } = identity;
    expect(revoked.asked.at(-1)).toMatchObject({ nodeId, clientId, kid, issuedAt });
  });

  it('is 128 random bits, of which the store sees a digest only', async () => {
    const issued = await Promise.all(Array.from({ length: 100 }, () => keys.issue(identity, HERE)));
    const texts = new Set(issued.map(({ validationKey }) => validationKey));
    expect(texts.size).toBe(100);
    for (const text of texts) {
      expect(Buffer.from(text, 'base64url')).toHaveLength(16);
      expect(JSON.stringify([...store.grants])).not.toContain(text);
    }
  });

  it('opens nothing on another server node, and stays good for its own', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    expect(await keys.peek(validationKey, '~sthere')).toBeUndefined();
    expect(await keys.peek(validationKey, HERE)).toBeDefined();
  });

  it('ends with the auth key plus the leeway', async () => {
    const dying = { ...identity, expiresAt: clock.now() / 1_000 - 50 };
    const { validationKey, expiresInSeconds } = await keys.issue(dying, HERE);
    expect(expiresInSeconds).toBe(10);
    pass(9_999);
    expect(await keys.peek(validationKey, HERE)).toBeDefined();
    pass(1);
    expect(await keys.peek(validationKey, HERE)).toBeUndefined();
  });

  it('may be looked at often and is used by exactly one of 100 at once', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    const present = async (): Promise<boolean> =>
      (await keys.peek(validationKey, HERE)) !== undefined && keys.use(validationKey);
    const outcomes = await Promise.all(Array.from({ length: 100 }, present));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await keys.peek(validationKey, HERE)).toBeUndefined();
  });

  it.each(['', 'x', 'a'.repeat(22), 'a'.repeat(100_000), 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln', '__proto__'])(
    'is not %.30s',
    async (text) => {
      expect(await keys.peek(text, HERE)).toBeUndefined();
      expect(await keys.use(text)).toBe(false);
    },
  );
});
