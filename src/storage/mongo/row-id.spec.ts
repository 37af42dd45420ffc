import { expect, it } from 'vitest';
import { behindRowsOf, numberIn, rowId } from './row-id.js';

const NUMBERS = [0, 1, 9, 10, 35, 36, 1_295, 1_296, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1];
const LOGS = ['n:a', 'n:a-b', 'n:a.b', 'n:a0', 'n:ab', 'n:b', 'n:~s'];

it('sorts rows by log and then by number, and finds the number again', () => {
  const ids = LOGS.flatMap((log) => NUMBERS.map((n) => rowId(log, n)));
  const inBytes = ids.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  expect(inBytes).toEqual(ids);
  expect(ids.map(numberIn)).toEqual(LOGS.flatMap(() => NUMBERS));
});

it('knows a place between the rows of a log and those of the next', () => {
  LOGS.forEach((log, i) => {
    expect(behindRowsOf(log) > rowId(log, 2 ** 53 - 1)).toBe(true);
    for (const next of LOGS.slice(i + 1)) expect(behindRowsOf(log) < rowId(next, 0)).toBe(true);
  });
});
