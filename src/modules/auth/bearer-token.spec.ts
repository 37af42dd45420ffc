import { expect, it } from 'vitest';
import { bearerToken } from './bearer-token.js';

it.each([
  ['Bearer abc.def', 'abc.def'],
  ['bearer  abc', 'abc'],
  ['Bearer', null],
  ['Bearer ', null],
  ['Bearer a b', null],
  ['Bearer a, Bearer b', null],
  ['x Bearer a', null],
  ['JWT abc', null],
  ['', null],
  [undefined, null],
])('%s holds the token %s', (header, token) => {
  expect(bearerToken(header)).toBe(token);
});
