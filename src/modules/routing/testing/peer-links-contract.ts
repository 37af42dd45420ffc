import { describe, expect, it } from 'vitest';
import type { HintedRow, PeerFrame, PeerLinks } from '../peer-links.js';
import { Heard, turnsUntil } from './heard.js';

/** Server nodes made for one test, all of which know each other. */
export interface OpenLinks {
  /** Of as many server nodes as were asked for. */
  readonly nodes: ReadonlyArray<{ readonly serverNodeId: string; readonly links: PeerLinks }>;
  /** Ends every way between two of them, and lets none be opened. */
  readonly cut: (a: string, b: string) => void;
  readonly heal: (a: string, b: string) => void;
  readonly close: () => Promise<void>;
}

export function hintedRow(changes: Partial<HintedRow> = {}): HintedRow {
  const body = '{"type":0,"payload":{"a":1e400,"a":1}}';
  const totals = { count: 3, bytes: 120 };
  return {
    log: 'n:bob',
    n: 3,
    at: 1_700_000_000_000,
    key: 'alice\u0001bob\u0001m1',
    totals,
    report: false,
    body,
    ...changes,
  };
}

export const notice = (n: number): PeerFrame => ({ kind: 'notices', notices: [{ nodeId: 'bob', n }] });

const handedOn = (hops: number): PeerFrame => ({ kind: 'frame', nodeIds: ['bob'], frame: '[1]', hops });

const ONE_OF_EACH: readonly PeerFrame[] = [
  { kind: 'rows', rows: [hintedRow(), hintedRow({ log: 'n:carol', report: true }), hintedRow({ n: 4, body: '' })] },
  {
    kind: 'notices',
    notices: [
      { nodeId: 'bob', n: 7 },
      { nodeId: '~x', n: Number.MAX_SAFE_INTEGER },
    ],
  },
  { kind: 'frame', nodeIds: ['bob', 'carol'], frame: '{"t":"\u2028 \u{1f600}\n\\ud800"}', hops: 0 },
  { kind: 'frame', nodeIds: ['bob'], frame: '[]', hops: 1 },
  { kind: 'moved', nodeIds: ['bob'] },
];

interface Scene extends OpenLinks {
  readonly a: string;
  readonly b: string;
  readonly heard: readonly [Heard, Heard, Heard];
  readonly send: (from: number, to: number, frame: PeerFrame) => boolean;
}

function sceneOf(opened: OpenLinks): Scene {
  const { nodes } = opened;
  const heard = [new Heard(), new Heard(), new Heard()] as const;
  nodes.forEach(({ links }, index) => links.listen(heard[index]!));
  const send = (from: number, to: number, frame: PeerFrame): boolean =>
    nodes[from]!.links.send(nodes[to]!.serverNodeId, frame);
  return { ...opened, a: nodes[0]!.serverNodeId, b: nodes[1]!.serverNodeId, heard, send };
}

/** Every promise of the port `PeerLinks`, to be run against an adapter. `open` makes so many server nodes. */
export function peerLinksContract(name: string, open: (count: number) => Promise<OpenLinks>): void {
  const test = (title: string, run: (scene: Scene) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open(3);
      try {
        await run(sceneOf(opened));
      } finally {
        await opened.close();
      }
    });

  describe(`PeerLinks of ${name}:`, () => {
    sendingContract(test);
    losingContract(test);
  });
}

type Test = (title: string, run: (scene: Scene) => Promise<void>) => void;

function sendingContract(test: Test): void {
  test('brings every kind of frame as it was sent, body and frame byte for byte', async ({ send, heard, a }) => {
    for (const frame of ONE_OF_EACH) expect(send(0, 1, frame)).toBe(true);
    await heard[1].count(ONE_OF_EACH.length);
    expect(heard[1].from(a)).toEqual(ONE_OF_EACH);
  });

  test('brings of a row what is promised, and nothing else that the object had', async ({ send, heard, a }) => {
    const row = { ...hintedRow(), digest: 'd', writer: 'w', open: true };
    send(0, 1, { kind: 'rows', rows: [row] });
    await heard[1].count(1);
    expect(heard[1].from(a)).toEqual([{ kind: 'rows', rows: [hintedRow()] }]);
  });

  test('keeps the order of what is sent to one peer, over kinds and turns', async ({ send, heard, a }) => {
    const frames = Array.from({ length: 200 }, (_, n) =>
      n % 3 ? notice(n) : { kind: 'rows' as const, rows: [hintedRow({ n })] },
    );
    for (const [index, frame] of frames.entries()) {
      expect(send(0, 1, frame)).toBe(true);
      if (index % 20 === 19) await new Promise((resolve) => void setImmediate(resolve));
    }
    await heard[1].count(frames.length);
    expect(heard[1].from(a)).toEqual(frames);
  });

  test('keeps peers apart, and both ways', async ({ send, heard, a, b }) => {
    send(0, 1, notice(1));
    send(0, 2, notice(2));
    send(1, 0, notice(3));
    send(1, 2, notice(4));
    await Promise.all([heard[0].count(1), heard[1].count(1), heard[2].count(2)]);
    expect(heard[0].from(b)).toEqual([notice(3)]);
    expect(heard[1].from(a)).toEqual([notice(1)]);
    expect([heard[2].from(a), heard[2].from(b)]).toEqual([[notice(2)], [notice(4)]]);
  });

  test('calls no listener while something is sent', async ({ send, heard }) => {
    for (let n = 0; n < 3; n += 1) {
      const before = heard.map(({ frames, changes }) => frames.length + changes.length);
      send(0, 1, notice(n));
      expect(heard.map(({ frames, changes }) => frames.length + changes.length)).toEqual(before);
      await heard[1].count(n + 1);
    }
  });

  test('takes nothing for a server node that nobody knows, nor for itself', async ({ nodes, send, heard }) => {
    expect(nodes[0]!.links.send('~snobody', notice(1))).toBe(false);
    expect(send(0, 0, notice(1))).toBe(false);
    expect(send(0, 1, notice(2))).toBe(true);
    await heard[1].count(1);
    expect(heard[0].frames).toEqual([]);
  });

  test('hands a frame on once and not a second time', async ({ send, heard, a }) => {
    expect([send(0, 1, handedOn(1)), send(0, 1, handedOn(2)), send(0, 1, notice(1))]).toEqual([true, false, true]);
    await heard[1].count(2);
    expect(heard[1].from(a)).toEqual([handedOn(1), notice(1)]);
  });

  test('has one listener', async ({ nodes }) => {
    expect(() => nodes[0]!.links.listen(new Heard())).toThrow(/already/);
  });
}

function losingContract(test: Test): void {
  test('tells both ends of a link that opened, before what comes over it', async ({ send, heard, a, b }) => {
    send(0, 1, notice(1));
    await Promise.all([heard[1].count(1), heard[0].change(b, 'up')]);
    expect(heard[1].story).toEqual([`${a} up`, `${a} notices`]);
    expect(heard[0].changes).toEqual([`${b} up`]);
  });

  test('tells both ends of a link that is gone, and takes nothing more for an unreachable peer', async (scene) => {
    const { send, heard, a, b } = scene;
    send(0, 1, notice(1));
    await heard[1].count(1);
    scene.cut(a, b);
    await Promise.all([heard[0].change(b, 'down'), heard[1].change(a, 'down')]);
    await turnsUntil(() => !send(0, 1, notice(2)));
    expect(send(0, 2, notice(3))).toBe(true);
    await heard[2].count(1);
    expect(heard[1].frames).toHaveLength(1);
  });

  test('opens a link again that was in use, and says so', async (scene) => {
    const { send, heard, a, b } = scene;
    send(0, 1, notice(1));
    await heard[1].count(1);
    scene.cut(a, b);
    await Promise.all([heard[0].change(b, 'down'), heard[1].change(a, 'down')]);
    heard[0].forget();
    heard[1].forget();
    scene.heal(a, b);
    await Promise.all([heard[0].change(b, 'up'), heard[1].change(a, 'up')]);
    expect(send(0, 1, notice(2))).toBe(true);
    await heard[1].count(1);
    expect(heard[1].from(a)).toEqual([notice(2)]);
  });
}
