import { expect, it } from 'vitest';
import { setWithoutEffect } from './not-in-force.js';
import { configOf } from './testing/given.js';

it('names what was set and has no effect yet, and nothing else', () => {
  const { sources } = configOf({ env: { HTTP_RATE_BURST: '9', PORT: '8081' }, argv: ['--store-lost-ms', '20000'] });
  const idle = new Set(['HTTP_RATE_BURST', 'LINK_DEAD_MS', 'STORE_LOST_MS'] as const);
  expect(setWithoutEffect(sources, idle)).toEqual(['HTTP_RATE_BURST', 'STORE_LOST_MS']);
  expect(setWithoutEffect(configOf({}).sources, idle)).toEqual([]);
});
