import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { EncodedRow, encodeRow } from './row-codec.js';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const row = fc.record({
  log: text,
  n: number,
  key: text,
  digest: text,
  writer: text,
  at: number,
  totals: fc.record({ count: number, bytes: number }),
  report: fc.boolean(),
  body: text,
});

it('gives every row back as it was, in a buffer longer than the row too', () => {
  fc.assert(
    fc.property(row, (original) => {
      const bytes = Buffer.from(encodeRow(original));
      expect(new EncodedRow(Buffer.concat([bytes, Buffer.from('rest')]), bytes.length).row()).toEqual(original);
    }),
  );
});

it('loses the body and nothing else when that is dropped', () => {
  fc.assert(
    fc.property(row, (original) => {
      const bytes = Buffer.from(encodeRow(original));
      const encoded = new EncodedRow(bytes, bytes.length);
      const emptied = encoded.withoutBody();
      expect(encoded.bodyBytes).toBe(Buffer.byteLength(original.body));
      expect(new EncodedRow(emptied, emptied.length).row()).toEqual({ ...original, body: '' });
    }),
  );
});
