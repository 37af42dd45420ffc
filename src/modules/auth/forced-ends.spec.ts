import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { AuthSettings } from './auth.settings.js';
import type { EndOrder, IssuedKey, KeysEnd } from './end-orders.js';
import { ForcedEnds, MOST_REVOCATIONS } from './forced-ends.js';
import { Revocations } from './revocations.js';
import { connectionsEnd, keysEnd, MemoryEndOrders } from './testing/index.js';

const DAY_MS = 86_400_000;
const KEY: IssuedKey = { nodeId: 'a', clientId: 'bob', kid: 'k1', issuedAt: 100 };

let clock: ManualClock;
let orders: MemoryEndOrders;
let here: ForcedEnds;
let there: ForcedEnds;

beforeEach(async () => {
  clock = new ManualClock();
  orders = new MemoryEndOrders();
  [here, there] = [new ForcedEnds(orders, clock), new ForcedEnds(orders, clock)];
  await Promise.all([here.onModuleInit(), there.onModuleInit()]);
});

/** Time for what is awaited inside of a poll. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settled();
}

describe('ForcedEnds', () => {
  it.each([
    ['node', 'a'],
    ['client', 'bob'],
    ['kid', 'k1'],
  ] as const)('refuses keys by %s that were issued until then, and no later ones', async (by, id) => {
    await here.give(keysEnd({ by, id, issuedUntil: 100 }), DAY_MS);
    expect(here.isRevoked(KEY)).toBe(true);
    expect(here.isRevoked({ ...KEY, issuedAt: 101 })).toBe(false);
    expect(here.isRevoked({ nodeId: 'b', clientId: 'ann', kid: null, issuedAt: 100 })).toBe(false);
    expect(here.isRevoked({ ...KEY, nodeId: 'k1', clientId: 'a', kid: 'bob' })).toBe(false);
  });

  it('hears within two seconds what others were told, and tells its listeners', async () => {
    const heard: EndOrder[] = [];
    there.onOrder((order) => void heard.push(order));
    const [keys, connections] = [keysEnd({ issuedUntil: 100, until: clock.now() + DAY_MS }), connectionsEnd()];
    await here.give(keys, DAY_MS);
    await here.give(connections, DAY_MS);
    expect([there.isRevoked(KEY), heard]).toEqual([false, []]);
    await pass(2_000);
    expect([there.isRevoked(KEY), heard]).toEqual([true, [keys, connections]]);
    await pass(2_000);
    expect(heard).toHaveLength(2);
  });

  it('knows at its start what was ordered before', async () => {
    await here.give(keysEnd({ issuedUntil: 100 }), DAY_MS);
    const late = new ForcedEnds(orders, clock);
    await late.onModuleInit();
    expect(late.isRevoked(KEY)).toBe(true);
  });

  it('reads more than one page at once', async () => {
    for (let i = 0; i < 2_500; i += 1) await orders.add(keysEnd({ id: `n${i}`, until: clock.now() + DAY_MS }));
    await pass(2_000);
    expect(here.size).toBe(2_500);
  });

  it('does not start while the store is away', async () => {
    orders.isAway = true;
    await expect(new ForcedEnds(orders, clock).onModuleInit()).rejects.toThrow('away');
  });

  it('keeps what it knows while the store is away, and goes on where it was', async () => {
    await here.give(keysEnd({ issuedUntil: 100, until: clock.now() + DAY_MS }), DAY_MS);
    await pass(2_000);
    orders.isAway = true;
    await pass(2_000);
    await expect(here.give(keysEnd({ by: 'kid', id: 'k1' }), DAY_MS)).rejects.toThrow('away');
    expect([there.isRevoked(KEY), here.size]).toEqual([true, 1]);
    orders.isAway = false;
    await orders.add(keysEnd({ id: 'b', issuedUntil: 100, until: clock.now() + DAY_MS }));
    await pass(2_000);
    expect(there.size).toBe(2);
  });

  it('takes of two orders about the same keys the later one, however they come', async () => {
    await here.give(keysEnd({ issuedUntil: 100 }), DAY_MS);
    await here.give(keysEnd({ issuedUntil: 90 }), DAY_MS);
    expect([here.isRevoked(KEY), here.size]).toEqual([true, 1]);
  });

  it('forgets a revocation when no key from before it can live', async () => {
    await here.give(keysEnd({ issuedUntil: 100, until: clock.now() + DAY_MS }), DAY_MS);
    await pass(DAY_MS - 2_000);
    expect(here.size).toBe(1);
    await pass(4_000);
    expect(here.size).toBe(0);
  });

  it('takes no more than it can hold, but those about keys it knows of', async () => {
    for (let i = 0; i < MOST_REVOCATIONS; i += 1) await here.give(keysEnd({ id: `n${i}` }), DAY_MS);
    await expect(here.give(keysEnd({ id: 'one-more' }), DAY_MS)).rejects.toMatchObject({ code: 'rate_limited' });
    await here.give(keysEnd({ id: 'n5', issuedUntil: 100 }), DAY_MS);
    await here.give(connectionsEnd(), DAY_MS);
    expect(here.size).toBe(MOST_REVOCATIONS);
  });
});

describe('Revocations', () => {
  it('mean this second whole, and are kept until the longest key from before has ended', async () => {
    const settings = new AuthSettings({ secret: 's'.repeat(32) });
    const second = Math.floor(clock.now() / 1_000);
    const before = await new Revocations(here, settings, clock).revoke({ by: 'node', id: 'a' }, 'lost');
    expect(before).toBe((second + 1) * 1_000);
    expect(here.isRevoked({ ...KEY, issuedAt: second })).toBe(true);
    expect(here.isRevoked({ ...KEY, issuedAt: second + 1 })).toBe(false);
    const [{ order } = {}] = orders.rows;
    expect(order).toMatchObject({ kind: 'keys', by: 'node', id: 'a', issuedUntil: second, reason: 'lost' });
    const longest = settings.maxLifetimeMs + settings.leewayMs;
    expect((order as KeysEnd).until).toBeGreaterThan(clock.now() + longest);
    expect(orders.keepMs[0]).toBeGreaterThan(longest);
  });
});
