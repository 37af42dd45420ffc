import { describe, expect, it } from 'vitest';
import type { ConnectionsEnd, EndOrder, EndOrders, KeysEnd } from '../end-orders.js';

/** A store made for one test. */
export interface OpenEndOrders {
  readonly orders: EndOrders;
  /** Another adapter on the same store, as another server node has it; the wall clock of its host is wrong by `skewMs`. */
  readonly second: (skewMs?: number) => Promise<EndOrders>;
  readonly close: () => Promise<void>;
}

const NOW = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const ALL = 1_000;

export function keysEnd(changes: Partial<KeysEnd> = {}): KeysEnd {
  const until = NOW + 60_000;
  return { kind: 'keys', by: 'node', id: 'a', issuedUntil: NOW / 1_000, reason: '', until, ...changes };
}

export function connectionsEnd(changes: Partial<ConnectionsEnd> = {}): ConnectionsEnd {
  return { kind: 'connections', nodeId: 'a', connectionIds: ['c1'], reason: '', ...changes };
}

async function ordersAfter(orders: EndOrders, position: number): Promise<EndOrder[]> {
  return (await orders.after(position, ALL)).map(({ order }) => order);
}

/** Every promise of the port `EndOrders`, to be run against an adapter. `open` makes an empty store. */
export function endOrdersContract(name: string, open: () => Promise<OpenEndOrders>): void {
  const test = (title: string, run: (opened: OpenEndOrders) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`EndOrders of ${name}:`, () => {
    test('shows every order as it was given, in the order of giving, to everybody', async ({ orders, second }) => {
      const given: EndOrder[] = [
        keysEnd({ by: 'kid', id: 'ключ " $ ~', reason: 'lost – „laptop“' }),
        connectionsEnd({ connectionIds: ['c1', 'c2'], reason: 'signed out' }),
        keysEnd({ by: 'client', id: 'bob' }),
      ];
      for (const order of given) await orders.add(order, MINUTE_MS);
      expect(await ordersAfter(orders, 0)).toEqual(given);
      expect(await ordersAfter(await second(), 0)).toEqual(given);
    });

    test('has none at first', async ({ orders }) => {
      expect(await orders.after(0, ALL)).toEqual([]);
    });

    test('goes on behind a position, a page at a time', async ({ orders }) => {
      for (let i = 0; i < 5; i += 1) await orders.add(keysEnd({ id: `n${i}` }), MINUTE_MS);
      const first = await orders.after(0, 2);
      const rest = await orders.after(first.at(-1)?.position ?? 0, ALL);
      expect([...first, ...rest].map(({ order }) => (order as KeysEnd).id)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
      expect(await orders.after(rest.at(-1)?.position ?? 0, ALL)).toEqual([]);
    });

    test('hides none from whoever reads on while several give orders', async ({ orders, second }) => {
      const givers = [orders, await second()];
      const heard: string[] = [];
      let position = 0;
      const readOn = async (): Promise<void> => {
        const rows = await orders.after(position, ALL);
        heard.push(...rows.map(({ order }) => (order as KeysEnd).id));
        position = rows.at(-1)?.position ?? position;
      };
      const added: string[] = [];
      const given = Array.from({ length: 60 }, async (_, i) => {
        await givers[i % 2]!.add(keysEnd({ id: `n${i}` }), MINUTE_MS);
        added.push(`n${i}`);
      });
      while (added.length < given.length) {
        await readOn();
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      await readOn();
      expect(heard.toSorted()).toEqual(Array.from({ length: 60 }, (_, i) => `n${i}`).toSorted());
    });

    test('forgets what is over, and nothing else', async ({ orders }) => {
      await orders.add(keysEnd({ id: 'kept' }), MINUTE_MS);
      for (let i = 0; i < 20; i += 1) await orders.add(keysEnd({ id: 'over' }), -1);
      for (let i = 0; i < 20; i += 1) await orders.add(keysEnd({ id: 'later' }), MINUTE_MS);
      const ids = (await ordersAfter(orders, 0)).map((order) => (order as KeysEnd).id);
      expect(ids).toEqual(['kept', ...Array.from({ length: 20 }, () => 'later')]);
    });

    test('never gives a position twice, also when all before it are over', async ({ orders, second }) => {
      for (let i = 0; i < 3; i += 1) await orders.add(keysEnd(), -1);
      const [last] = (await orders.after(0, ALL)).slice(-1);
      await (await second()).add(keysEnd({ id: 'new' }), MINUTE_MS);
      expect(await ordersAfter(orders, last?.position ?? 0)).toEqual([keysEnd({ id: 'new' })]);
    });

    for (const skewMs of [-DAY_MS, DAY_MS])
      test(`keeps and forgets as ever with a process whose clock is wrong by ${skewMs} ms`, async ({
        orders,
        second,
      }) => {
        const wrong = await second(skewMs);
        await orders.add(keysEnd({ id: 'right' }), MINUTE_MS);
        await wrong.add(keysEnd({ id: 'wrong' }), MINUTE_MS);
        await wrong.add(keysEnd({ id: 'over' }), -1);
        await orders.add(keysEnd({ id: 'later' }), MINUTE_MS);
        const ids = (await ordersAfter(orders, 0)).map((order) => (order as KeysEnd).id);
        expect(ids).toEqual(['right', 'wrong', 'later']);
      });

    test('rejects once it is closed', async ({ orders, close }) => {
      await close();
      await expect(orders.add(keysEnd(), MINUTE_MS)).rejects.toThrow();
      await expect(orders.after(0, ALL)).rejects.toThrow();
    });
  });
}
