import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const KIB = 1024;

interface Page {
  readonly messages: Frame[];
  readonly complete: boolean;
}

let server: TestServer;
/** Times of the messages 1 to 6 of `bob`, which were stored in three different milliseconds, two in each. */
let times: number[];

beforeAll(async () => {
  server = await TestServer.start({ PAGE_REST_BYTES: String(128 * KIB), PAGE_SOCKET_BYTES: String(96 * KIB) });
  await server.json('bob', '/v1/inbox');
  for (const pair of [
    [1, 2],
    [3, 4],
    [5, 6],
  ])
    await storePair(pair);
  times = (await byRest('')).messages.map(({ timestamp }) => Number(timestamp));
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function storePair(pair: readonly number[]): Promise<void> {
  await server.json('alice', '/v1/messages', { messages: pair.map((payload) => ({ dest_id: 'bob', payload })) });
  const stored = Date.now();
  while (Date.now() <= stored) await fetch(`${server.url}/livez`);
}

async function byRest(query: string, nodeId = 'bob'): Promise<Page> {
  return (await server.json(nodeId, `/v1/inbox${query}`)) as Page;
}

async function bySocket(query: string, nodeId = 'bob'): Promise<Page> {
  const reader = await Talker.open(server, nodeId);
  const bounds = [...new URLSearchParams(query)].map(([name, value]) => [name, Number(value)]);
  reader.send({ type: -101, id: 'page', payload: { fetch_inbox: Object.fromEntries(bounds) as object } });
  const page = await reader.next(({ type }) => type === -102);
  expect(page['id']).toBe('page');
  return page['payload'] as Page;
}

describe.each([
  ['GET /v1/inbox', byRest],
  ['-101', bySocket],
])('%s', (_name, read) => {
  it('answers everything, ascending, and where the inbox stands', async () => {
    const page = await read('');
    expect(page).toMatchObject({ floor_seq: 1, tail_seq: 6, acked_seq: 0, complete: true, epoch: expect.any(String) });
    expect(page.messages.map(({ seq, payload }) => [seq, payload])).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, n]));
  });

  it.each([
    ['?after_seq=2', [3, 4, 5, 6], true],
    ['?after_seq=2&before_seq=5', [3, 4], true],
    ['?after_seq=2&limit=2', [3, 4], false],
    ['?after_seq=2&before_seq=5&limit=2', [3, 4], true],
    ['?before_seq=5', [1, 2, 3, 4], true],
    ['?before_seq=5&limit=2', [3, 4], false],
    ['?before_seq=3&limit=2', [1, 2], true],
    ['?limit=2', [1, 2], false],
    ['?limit=6', [1, 2, 3, 4, 5, 6], true],
    ['?after_seq=6', [], true],
    ['?after_seq=100', [], true],
    ['?before_seq=1', [], true],
    ['?after_seq=4&before_seq=3', [], true],
  ])('by seq %s: %j, complete: %s', async (query, seqs, complete) => {
    const page = await read(query);
    expect(page.messages.map(({ seq }) => seq)).toEqual(seqs);
    expect(page.complete).toBe(complete);
  });

  it.each([
    ['after the first pair', () => `?after_time=${times[1]}`, [3, 4, 5, 6], true],
    ['before the last pair', () => `?before_time=${times[4]}`, [1, 2, 3, 4], true],
    ['only before, the last ones', () => `?before_time=${times[4]}&limit=2`, [3, 4], false],
    ['between', () => `?after_time=${times[1]}&before_time=${times[4]}`, [3, 4], true],
    ['after a time and before a seq', () => `?after_time=${times[1]}&before_seq=6`, [3, 4, 5], true],
    ['after a seq and before a time', () => `?after_seq=1&before_time=${times[4]}&limit=2`, [2, 3], false],
    ['after everything', () => `?after_time=${times[5]}`, [], true],
    ['before everything', () => `?before_time=${times[0]}`, [], true],
  ])('by time, %s', async (_what, query, seqs, complete) => {
    const page = await read(query());
    expect(page.messages.map(({ seq }) => seq)).toEqual(seqs);
    expect(page.complete).toBe(complete);
  });

  it('acknowledges nothing', async () => {
    await read('');
    expect(await byRest('')).toMatchObject({ acked_seq: 0 });
  });

  it('refuses bounds that are none, and names the field', async () => {
    const reader = await Talker.open(server, 'bob');
    await reader.nextEntries(6);
    for (const [name, value] of [
      ['after_seq', -1],
      ['limit', 0],
      ['limit', 1_001],
      ['before_time', 1.5],
      ['newest', 1],
    ] as const) {
      const code = name === 'newest' ? 'unknown_field' : 'invalid_field';
      expect(await byRest(`?${name}=${value}`)).toMatchObject({ status: 400, code, field: name });
      reader.send({ type: -101, id: 'bad', payload: { fetch_inbox: { [name]: value } } });
      expect(await reader.next()).toMatchObject({ type: -113, id: 'bad', code, field: `payload.fetch_inbox.${name}` });
    }
  });
});

describe('a page ends before it is too big', () => {
  it('by REST, and the next one goes on', async () => {
    await fill('carol');
    const sizes = await walk((after) => byRest(`?after_seq=${after}`, 'carol'));
    expect(sizes).toEqual([4, 4, 2]);
  });

  it('on the websocket at its own size', async () => {
    await fill('dave');
    const sizes = await walk((after) => bySocket(`?after_seq=${after}`, 'dave'));
    expect(sizes).toEqual([3, 3, 3, 1]);
  });
});

/** Ten messages of 30 KiB. */
async function fill(nodeId: string): Promise<void> {
  await server.json(nodeId, '/v1/inbox');
  const payload = 'x'.repeat(30 * KIB);
  await server.json('alice', '/v1/messages', {
    messages: Array.from({ length: 10 }, () => ({ dest_id: nodeId, payload })),
  });
}

/** Reads page after page to the end; how many messages each had. */
async function walk(read: (after: number) => Promise<Page>): Promise<number[]> {
  const sizes: number[] = [];
  let next = 1;
  for (let complete = false; !complete;) {
    const page = await read(next - 1);
    for (const { seq } of page.messages) expect(seq).toBe(next++);
    sizes.push(page.messages.length);
    ({ complete } = page);
  }
  return sizes;
}
