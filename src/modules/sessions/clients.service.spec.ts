import { beforeEach, describe, expect, it } from 'vitest';
import { app, codeOf, GroupServices, GroupStore, node } from '../../../test/support/group-services.js';
import { StoreUnavailable } from '../inbox/index.js';

let store: GroupStore;
let here: GroupServices;
let messages = 0;

beforeEach(() => {
  store = new GroupStore();
  here = new GroupServices(store);
});

const seen = (nodeId: string, clientId: string | null, issuedAt: number, by = here): Promise<void> =>
  by.inTime(by.clients.seen({ nodeId, clientId, issuedAt }));

/** Who gets a message to the client now. */
async function reached(clientId: string, from = node('eve')): Promise<string[]> {
  const process = new GroupServices(store);
  const id = `m${(messages += 1)}`;
  expect(await process.inTime(process.send(from, { kind: 'client', clientId }, { id }))).toBe('stored');
  await process.settle();
  const { n } = store.log.rowsOf(`c:${clientId}`).at(-1)!;
  const nodes = [...store.registry.records.keys()];
  return nodes.filter((nodeId) => store.entriesFor(nodeId, `c:${clientId}`).includes(n)).toSorted();
}

const entriesOf = (clientId: string): number => store.log.rowsOf(`c:${clientId}`).length;

describe('the nodes of a client', () => {
  it('are those whose key names it, from before their first answer on', async () => {
    await Promise.all([seen('phone', 'family', 1), seen('tablet', 'family', 1), seen('other', null, 1)]);
    expect(await reached('family')).toEqual(['phone', 'tablet']);
    expect(await reached('family', node('phone', 'family'))).toEqual(['tablet']);
  });

  it('change when a later key names another client, and when one names none', async () => {
    await seen('phone', 'family', 1);
    await seen('phone', 'work', 2);
    expect([await reached('family'), await reached('work')]).toEqual([[], ['phone']]);
    expect([entriesOf('family'), entriesOf('work')]).toEqual([3, 2]);
    await seen('phone', null, 3);
    expect([await reached('family'), await reached('work')]).toEqual([[], []]);
    await seen('phone', 'family', 4);
    expect([await reached('family'), await reached('work')]).toEqual([['phone'], []]);
  });

  it('do not change by a key that is older than the latest, in whatever process it comes late', async () => {
    await seen('phone', 'family', 5);
    await seen('phone', 'work', 7);
    for (const process of [here, new GroupServices(store)]) {
      await seen('phone', 'family', 5, process);
      await seen('phone', null, 6, process);
      expect([await reached('family'), await reached('work')]).toEqual([[], ['phone']]);
    }
    // Its own, one leave, and a message for each process: an older key is not worth an entry.
    expect(entriesOf('family')).toBe(4);
  });

  it('do not change by an older key whose process read the record of the node before the latest was known', async () => {
    await seen('phone', 'family', 5);
    const slow = new GroupServices(store);
    store.registry.records.set('phone', { nodeId: 'phone', clientId: 'family', iat: 5, lastSeen: 0 });
    await seen('phone', 'work', 7);
    here.start();
    await here.pass(500);
    expect(store.log.marksNow('c:family').acked).toBe(2);
    const record = { nodeId: 'phone', clientId: 'family', iat: 5, lastSeen: 0 };
    slow.nodes.find = () => Promise.resolve(record);
    await seen('phone', 'family', 6, slow);
    expect([await reached('family'), await reached('work')]).toEqual([[], ['phone']]);
  });

  it('are of the later of two keys whose processes see them at the same time, whichever is first', async () => {
    for (const [nodeId, keys] of [
      [
        'phone',
        [
          ['family', 1],
          ['work', 2],
        ],
      ],
      [
        'tablet',
        [
          ['work', 2],
          ['family', 1],
        ],
      ],
    ] as const)
      await Promise.all(keys.map(([clientId, issuedAt]) => seen(nodeId, clientId, issuedAt, new GroupServices(store))));
    expect([await reached('family'), await reached('work')]).toEqual([[], ['phone', 'tablet']]);
  });

  it('cost nothing when the same key, or another of the same time, is seen again', async () => {
    await seen('phone', 'family', 1);
    const before = store.log.calls.length;
    await seen('phone', 'family', 1);
    expect(store.log.calls).toHaveLength(before);
    await seen('phone', 'family', 1, new GroupServices(store));
    expect(entriesOf('family')).toBe(1);
  });

  it('are fenced by each later key, which nobody is told of', async () => {
    await seen('phone', 'family', 1);
    await seen('phone', 'family', 2);
    expect(entriesOf('family')).toBe(2);
    await here.settle();
    expect(store.entriesFor('phone')).toEqual([]);
  });

  it('are so many at most; one that goes makes room, one that is in stays in', async () => {
    for (const nodeId of ['a', 'b', 'c']) await seen(nodeId, 'family', 1);
    expect(await codeOf(seen('d', 'family', 1))).toBe('too_many_members');
    await seen('a', 'family', 2);
    await seen('b', null, 2);
    await seen('d', 'family', 1);
    expect(await reached('family')).toEqual(['a', 'c', 'd']);
  });

  it('stay where they were when the client that a later key names has no room', async () => {
    for (const nodeId of ['a', 'b', 'c']) await seen(nodeId, 'full', 1);
    await seen('phone', 'family', 1);
    expect(await codeOf(seen('phone', 'full', 2))).toBe('too_many_members');
    expect([await reached('family'), await reached('full')]).toEqual([['phone'], ['a', 'b', 'c']]);
  });
});

describe('a process that ends in between', () => {
  it('after the join and before the record: the next that sees the key does the rest', async () => {
    await seen('phone', 'family', 1);
    store.registry.away = true;
    await expect(seen('phone', 'work', 2)).rejects.toThrow('away');
    store.registry.away = false;
    expect(store.registry.records.get('phone')).toMatchObject({ clientId: 'family' });
    await seen('phone', 'work', 2, new GroupServices(store));
    expect([await reached('family'), await reached('work')]).toEqual([[], ['phone']]);
    expect(store.registry.records.get('phone')).toMatchObject({ clientId: 'work' });
  });

  it('after the join and before the leave: likewise', async () => {
    await seen('phone', 'family', 1);
    const insert = store.log.insert.bind(store.log);
    store.log.insert = (rows) =>
      rows[0]?.log === 'c:family' ? Promise.reject(new StoreUnavailable('away')) : insert(rows);
    expect(await codeOf(seen('phone', 'work', 2))).toBe('retry_later');
    store.log.insert = insert;
    expect([await reached('family'), await reached('work')]).toEqual([['phone'], ['phone']]);
    await seen('phone', 'work', 2, new GroupServices(store));
    expect([await reached('family'), await reached('work')]).toEqual([[], ['phone']]);
  });

  it('a call whose store is away is answered for now, and nothing of it is believed', async () => {
    store.log.away = true;
    await expect(seen('phone', 'family', 1)).rejects.toThrow();
    store.log.away = false;
    await seen('phone', 'family', 1);
    expect(await reached('family')).toEqual(['phone']);
  });
});

const read = async (by: GroupServices, caller = node('phone', 'family')): Promise<number> =>
  (await by.clients.messages(caller, 'family', {}, 1_000_000)).frames.length;

describe('what the client was sent', () => {
  it('is read by its nodes, since they are in, and by backends', async () => {
    await seen('phone', 'family', 1);
    await reached('family');
    await seen('tablet', 'family', 1);
    await reached('family');
    expect([await read(here), await read(here, node('tablet')), await read(here, app())]).toEqual([2, 1, 2]);
  });

  it('is read by nobody else, and who has no such client hears the same', async () => {
    await seen('phone', 'family', 1);
    expect(await codeOf(read(here, node('eve')))).toBe('forbidden');
    expect(await codeOf(here.clients.messages(node('eve'), 'nobody', {}, 1_000))).toBe('forbidden');
    expect(await codeOf(here.clients.messages(app(), 'nobody', {}, 1_000))).toBe('node_unknown');
    await seen('phone', 'work', 2);
    expect(await codeOf(read(here))).toBe('forbidden');
  });
});

it('a client that no key ever named is unknown', async () => {
  expect(await here.send(node('eve'), { kind: 'client', clientId: 'nobody' })).toBe('node_unknown');
});
