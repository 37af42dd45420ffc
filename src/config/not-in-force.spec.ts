import { expect, it } from 'vitest';
import { setWithoutEffect } from './not-in-force.js';
import { configOf } from './testing/given.js';

it('names what was set and has no effect yet, and nothing else', () => {
  const { sources } = configOf({ env: { FORCE: 'True', PORT: '8081' }, argv: ['--link-dead-ms', '20000'] });
  expect(setWithoutEffect(sources)).toEqual(['FORCE', 'LINK_DEAD_MS']);
  expect(setWithoutEffect(configOf({}).sources)).toEqual([]);
});
