import { describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { entryBody, refText } from './entry-ref.js';
import { readResolved } from './resolved-rows.js';

const [INBOX, GROUP] = ['n:reader', 's:group'];
const ENTRY_BYTES = 10_000;

/** An inbox of references to entries that are all of one length. */
function filled(count: number): { readonly store: FakeInboxLog; readonly looked: number[] } {
  const store = new FakeInboxLog();
  for (let entry = 1; entry <= count; entry += 1) {
    const frame = `{"payload":"${'x'.repeat(ENTRY_BYTES)}"}`;
    store.slip(GROUP, { key: `e${entry}`, body: entryBody('known', frame) });
    store.slip(INBOX, { key: `r${entry}`, body: refText({ group: GROUP, entry, waiting: entry, isGap: false }) });
  }
  const looked: number[] = [];
  const at = store.at.bind(store);
  store.at = (points) => {
    looked.push(points.length);
    return at(points);
  };
  return { store, looked };
}

const range = (maxBytes: number): Parameters<typeof readResolved>[2] => ({
  after: 0,
  before: Number.MAX_SAFE_INTEGER,
  limit: 200,
  maxBytes,
});

describe('references', () => {
  it('are resolved until what they refer to no longer fits', async () => {
    const { store } = filled(100);
    const rows = await readResolved(store, INBOX, range(45_000));
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  });

  it('are looked up in small numbers where little fits', async () => {
    const { store, looked } = filled(100);
    await readResolved(store, INBOX, range(20_000));
    expect(looked).toEqual([1, 2]);
  });

  it('are looked up in growing numbers, and never all at once, where much fits', async () => {
    const { store, looked } = filled(100);
    expect(await readResolved(store, INBOX, range(64 * 1_024 * 1_024))).toHaveLength(100);
    expect(looked).toEqual([32, 32, 32, 4]);
    const { store: other, looked: grown } = filled(20);
    await readResolved(other, INBOX, range(150_000));
    expect(grown).toEqual([9, 11]);
  });
});
