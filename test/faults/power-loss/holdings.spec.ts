import { describe, expect, it } from 'vitest';
import { Holdings } from './holdings.js';
import type { Found } from './images.js';

const message = { src: 'a', dest: 's1', id: 'm', payload: 'tea', members: ['a', 'b', 'c'] };
const entry = ['s:s1', 4, 'm a m', 'known\n{"payload":"tea"}'] as const;
const seat = (node: string, seq: number): Found['rows'][number] => [
  `n:${node}`,
  seq,
  'g s:s1 00000000004',
  '@s:s1 4 1',
];
const receipt = { at: 0, kind: 'receipt', message } as const;
const delivery = { at: 0, kind: 'delivery', message, to: 'b', seq: 7, entry: 4 } as const;

function holds(
  rows: Found['rows'],
  open: Found['open'] = [],
  claim: typeof receipt | typeof delivery = receipt,
): boolean {
  return new Holdings({ rows, open, acked: {}, epoch: 'e', takes: true }).holdsInSession(claim);
}

describe('a message of a session', () => {
  it('is there when all members but its source have it', () => {
    expect(holds([entry, seat('b', 7), seat('c', 1)])).toBe(true);
    expect(holds([entry, seat('b', 7)])).toBe(false);
  });

  it('is there when it is known as still to be driven', () => {
    expect(holds([entry, seat('b', 7)], [{ log: 's:s1', n: 4 }])).toBe(true);
    expect(holds([entry, seat('b', 7)], [{ log: 's:s1', n: 5 }])).toBe(false);
  });

  it('is gone without its entry, however many have it', () => {
    expect(holds([seat('b', 7), seat('c', 1)])).toBe(false);
  });

  it('that was delivered stands where it was delivered', () => {
    const open = [{ log: 's:s1', n: 4 }];
    expect(holds([entry, seat('b', 7)], open, delivery)).toBe(true);
    expect(holds([entry, seat('b', 8)], open, delivery)).toBe(false);
    expect(holds([entry], open, delivery)).toBe(false);
  });
});
