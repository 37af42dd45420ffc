import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerFrame } from '../modules/routing/index.js';
import { hintedRow } from '../modules/routing/testing/index.js';
import { LinkBatch } from './link-batch.js';
import { LinkFault, readBatch } from './read-batch.js';

/** Any text that can travel as UTF-8: newlines, quotes, characters of two units. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const body = fc.oneof(text, fc.constantFrom('', '\n', '{"a":1e400}\n[', '\u{1f600}', 'shared'));
const count = fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));

const row = fc.record({
  log: text,
  n: count,
  at: count,
  key: text,
  totals: fc.record({ count, bytes: count }),
  report: fc.boolean(),
  body,
});
const frame: fc.Arbitrary<PeerFrame> = fc.oneof(
  fc.record({ kind: fc.constant('rows' as const), rows: fc.array(row, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant('notices' as const),
    notices: fc.array(fc.record({ nodeId: text, n: count }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('frame' as const),
    nodeIds: fc.array(text, { maxLength: 3 }),
    frame: body,
    hops: count,
  }),
  fc.record({ kind: fc.constant('moved' as const), nodeIds: fc.array(text, { maxLength: 3 }) }),
);

function written(frames: readonly PeerFrame[]): LinkBatch {
  const batch = new LinkBatch();
  for (const each of frames) batch.add(each);
  return batch;
}

/** As it comes out of a socket. */
const travelled = (sent: string): string => Buffer.from(sent).toString();

describe('frames between server nodes', () => {
  it('are read as they were written, whatever ids and bodies are', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), (frames) => {
        expect(readBatch(travelled(written(frames).text()))).toEqual({ frames, unknown: 0 });
      }),
      { numRuns: 500 },
    );
  });

  it('that were changed on their way are another message or a fault, never another error', () => {
    const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 9 }), insert: fc.string({ maxLength: 9 }) });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 3 }), change, (frames, { at, remove, insert }) => {
        const whole = written(frames).text();
        const place = at % whole.length;
        const changed = whole.slice(0, place) + insert + whole.slice(place + remove);
        try {
          readBatch(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(LinkFault);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('that are no message at all are a fault', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.json().map((json) => `${json}\n`),
        ),
        (any) => {
          fc.pre(any !== '[[]]\n');
          try {
            readBatch(any);
          } catch (error) {
            expect(error).toBeInstanceOf(LinkFault);
          }
        },
      ),
    );
  });

  it.each([
    ['no line', '[[]]'],
    ['no list', '{}\n'],
    ['a body more than is there', '[[3]]\nab'],
    ['a body less than is there', '[[1]]\nab'],
    ['a negative length', '[[-1]]\n'],
    ['a body that is not there', '[[],["f",0,0,"bob"]]\n'],
    ['half a row', '[[1],["r","n:bob",1,1]]\na'],
    ['half a notice', '[[],["n","bob"]]\n'],
    ['a text where a number belongs', '[[],["n","bob","1"]]\n'],
    ['a number that is no whole one', '[[],["n","bob",1.5]]\n'],
    ['an id that is none', '[[],["m",7]]\n'],
    ['a frame without a kind', '[[],[]]\n'],
  ])('with %s are a fault', (_what, malformed) => {
    expect(() => readBatch(malformed)).toThrow(LinkFault);
  });

  it('of a later version are passed over and counted, the others come', () => {
    const moved = { kind: 'moved', nodeIds: ['bob'] };
    expect(readBatch('[[2],["zz",{"a":1}],["m","bob"]]\n{}')).toEqual({ frames: [moved], unknown: 1 });
  });

  it('carry a body once that many rows share', () => {
    const shared = 'x'.repeat(1_000);
    const rows = Array.from({ length: 256 }, (_, n) => hintedRow({ log: `n:member-${n}`, n, body: shared }));
    const batch = written([
      { kind: 'rows', rows },
      { kind: 'frame', nodeIds: ['bob'], frame: shared, hops: 0 },
    ]);
    expect(batch.text().split(shared)).toHaveLength(2);
    expect(readBatch(batch.text()).frames).toEqual([
      { kind: 'rows', rows },
      { kind: 'frame', nodeIds: ['bob'], frame: shared, hops: 0 },
    ]);
  });

  it('weigh no less than they take', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'B', '7', ':', '~'), maxLength: 128 });
    const rows = fc.array(
      fc.record({
        log: plain,
        n: count,
        at: count,
        key: plain,
        totals: fc.record({ count, bytes: count }),
        report: fc.boolean(),
        body,
      }),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(rows, (list) => {
        const batch = written([{ kind: 'rows', rows: list }]);
        expect(batch.bytes).toBeGreaterThanOrEqual(Buffer.byteLength(batch.text()));
      }),
    );
  });
});
