import { expect, it } from 'vitest';
import { setWithoutEffect } from './not-in-force.js';
import { configOf } from './testing/given.js';

it('names what was set and has no effect yet, and nothing else', () => {
  const { sources } = configOf({
    env: { LINK_PING_INTERVAL_MS: '4000', PORT: '8081' },
    argv: ['--link-dead-ms', '20000'],
  });
  expect(setWithoutEffect(sources)).toEqual(['LINK_PING_INTERVAL_MS', 'LINK_DEAD_MS']);
  expect(setWithoutEffect(configOf({}).sources)).toEqual([]);
});
