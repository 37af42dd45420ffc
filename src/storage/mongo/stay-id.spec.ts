import { expect, it } from 'vitest';
import { behindStaysOf, stayId } from './stay-id.js';

const NAMES = ['a', 'a-b', 'a.b', 'a0', 'ab', 'b', '~s'];
const NUMBERS = [1, 9, 10, 35, 36, 2 ** 32 + 1, 2 ** 53 - 1];

it('sorts stays by group, then by node, then by number', () => {
  const ids = NAMES.flatMap((log) => NAMES.flatMap((node) => NUMBERS.map((n) => stayId(`s:${log}`, node, n))));
  const inBytes = ids.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  expect(inBytes).toEqual(ids);
});

it('knows a place between the stays of a node and those of the next', () => {
  NAMES.forEach((node, i) => {
    expect(behindStaysOf('s:g', node) > stayId('s:g', node, 2 ** 53 - 1)).toBe(true);
    for (const next of NAMES.slice(i + 1)) expect(behindStaysOf('s:g', node) < stayId('s:g', next, 0)).toBe(true);
  });
});
