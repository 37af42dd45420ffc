import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import type { ConnectionRow } from '../connections/index.js';
import { type Held, MAX_WAITING_BYTES, Whereabouts } from './whereabouts.js';

const TRUST_MS = 2_000;

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A directory whose answers the test lets out. */
class SlowDirectory {
  readonly at = new Map<string, string[]>();
  readonly asked: string[][] = [];
  private readonly out: Array<() => void> = [];
  away = false;

  everywhere(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    this.asked.push([...nodeIds]);
    const rows = nodeIds.map((nodeId) =>
      (this.at.get(nodeId) ?? []).map((serverNodeId) => rowOf(nodeId, serverNodeId)),
    );
    const { away } = this;
    return new Promise((resolve, reject) => {
      this.out.push(() => (away ? reject(new Error('away')) : resolve(rows)));
    });
  }

  /** Answers what was asked first, as it was when it was asked. */
  async answer(): Promise<void> {
    this.out.shift()?.();
    await turn();
  }
}

function rowOf(nodeId: string, serverNodeId: string): ConnectionRow {
  return { nodeId, connectionId: `${nodeId}-${serverNodeId}`, serverNodeId, bootId: 'b', since: 0 };
}

describe('whereabouts', () => {
  let clock: ManualClock;
  let directory: SlowDirectory;
  let whereabouts: Whereabouts;
  let told: Array<[string, Record<string, string[]> | undefined]>;

  beforeEach(() => {
    clock = new ManualClock();
    directory = new SlowDirectory();
    whereabouts = new Whereabouts(directory, clock, TRUST_MS);
    told = [];
  });

  const tellAs = (name: string) => (held: Held | undefined) => {
    told.push([name, held && Object.fromEntries([...held].map(([id, nodeIds]) => [id, [...nodeIds]]))]);
  };

  async function learnt(...nodeIds: string[]): Promise<void> {
    whereabouts.locate(nodeIds, () => {});
    await turn();
    await directory.answer();
  }

  it('asks once for all that is asked in one turn', async () => {
    directory.at.set('n1', ['A']).set('n2', ['A', 'B']);
    whereabouts.locate(['n1', 'n2'], tellAs('first'));
    whereabouts.locate(['n2', 'n3'], tellAs('second'));
    await turn();
    await directory.answer();
    expect(directory.asked).toEqual([['n1', 'n2', 'n3']]);
    expect(told).toEqual([
      ['first', { A: ['n1', 'n2'], B: ['n2'] }],
      ['second', { A: ['n2'], B: ['n2'] }],
    ]);
  });

  it('tells a remembered place at once, and the others behind a look-up', async () => {
    directory.at.set('n1', ['A']).set('n2', ['B']);
    await learnt('n1');
    whereabouts.locate(['n1', 'n2'], tellAs('it'));
    expect(told).toEqual([['it', { A: ['n1'] }]]);
    await turn();
    await directory.answer();
    expect(told[1]).toEqual(['it', { B: ['n2'] }]);
    expect(directory.asked).toEqual([['n1'], ['n2']]);
  });

  it('never remembers that nobody is connected', async () => {
    await learnt('n1');
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], tellAs('it'));
    await turn();
    await directory.answer();
    expect(told).toEqual([['it', { A: ['n1'] }]]);
  });

  it('forgets a place when nobody is there any more', async () => {
    directory.at.set('n1', ['A']);
    await learnt('n1');
    clock.advance(TRUST_MS);
    directory.at.delete('n1');
    await learnt('n1');
    whereabouts.locate(['n1'], tellAs('it'));
    expect(told).toEqual([]);
  });

  it('believes a place for its time, counted from the question', async () => {
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], () => {});
    await turn();
    clock.advance(TRUST_MS - 1);
    await directory.answer();
    whereabouts.locate(['n1'], tellAs('within'));
    expect(told).toEqual([['within', { A: ['n1'] }]]);
    clock.advance(1);
    whereabouts.locate(['n1'], tellAs('after'));
    expect(told).toHaveLength(1);
  });

  it('looks again for what a look-up did not find and was asked about meanwhile', async () => {
    whereabouts.locate(['n1'], tellAs('early'));
    await turn();
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], tellAs('late'));
    await directory.answer();
    expect(told).toEqual([['early', {}]]);
    await directory.answer();
    expect(told[1]).toEqual(['late', { A: ['n1'] }]);
  });

  it('answers what is asked during a look-up behind it, from what it found', async () => {
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], tellAs('first'));
    await turn();
    whereabouts.locate(['n1'], tellAs('second'));
    expect(told).toEqual([]);
    await directory.answer();
    expect(told.map(([name]) => name)).toEqual(['first', 'second']);
    expect(directory.asked).toHaveLength(1);
  });

  it('keeps the order of the questions about one node when its place becomes known between them', async () => {
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], tellAs('first'));
    await turn();
    whereabouts.lookUp(['n1'], tellAs('second'));
    await directory.answer();
    whereabouts.locate(['n1'], tellAs('third'));
    expect(told.map(([name]) => name)).toEqual(['first']);
    await directory.answer();
    expect(told.map(([name]) => name)).toEqual(['first', 'second', 'third']);
  });

  it('looks up anew for whoever does not want to rely on memory', async () => {
    directory.at.set('n1', ['A']);
    await learnt('n1');
    directory.at.set('n1', ['B']);
    whereabouts.lookUp(['n1'], tellAs('it'));
    await turn();
    await directory.answer();
    expect(told).toEqual([['it', { B: ['n1'] }]]);
  });

  it('forgets nodes that moved, and all that a server node was believed to hold', async () => {
    directory.at.set('n1', ['A']).set('n2', ['A', 'B']).set('n3', ['B']);
    await learnt('n1', 'n2', 'n3');
    whereabouts.forget(['n3']);
    whereabouts.forgetServerNode('A');
    whereabouts.locate(['n1', 'n2', 'n3'], tellAs('it'));
    expect(told).toEqual([]);
    await turn();
    expect(directory.asked[1]).toEqual(['n1', 'n2', 'n3']);
  });

  it('tells a place that is forgotten during the look-up for others: who is not there is sent on', async () => {
    directory.at.set('n1', ['A']).set('n2', ['B']);
    whereabouts.locate(['n1'], () => {});
    await turn();
    whereabouts.locate(['n1'], tellAs('first'));
    whereabouts.locate(['n2'], tellAs('second'));
    await directory.answer();
    whereabouts.forget(['n1']);
    await directory.answer();
    expect(told).toEqual([
      ['first', { A: ['n1'] }],
      ['second', { B: ['n2'] }],
    ]);
  });

  it('lets no more wait for a slow look-up than there is room for, and of the rest knows nothing', async () => {
    directory.at.set('n1', ['A']);
    const half = MAX_WAITING_BYTES / 2;
    whereabouts.locate(['n1'], tellAs('runs'), half);
    await turn();
    whereabouts.locate(['n1'], tellAs('too much'), half);
    whereabouts.locate(['n1'], tellAs('waits'), half / 2);
    expect(told).toEqual([['too much', undefined]]);
    await directory.answer();
    expect(told.slice(1).map(([name, held]) => [name, held?.['A']])).toEqual([
      ['runs', ['n1']],
      ['waits', ['n1']],
    ]);
    whereabouts.locate(['n2'], tellAs('alone'), MAX_WAITING_BYTES * 2);
    await turn();
    await directory.answer();
    expect(told.at(-1)).toEqual(['alone', {}]);
  });

  it('counts nodes as well: a question about very many leaves no room either', async () => {
    const many = Array.from({ length: 200_000 }, (_, index) => `m${index}`);
    whereabouts.locate(many, tellAs('many'));
    whereabouts.locate(many, tellAs('as many'));
    expect(told).toEqual([]);
    whereabouts.locate(many, tellAs('too many'));
    expect(told).toEqual([['too many', undefined]]);
  });

  it('says that it does not know while the store is away, and goes on', async () => {
    directory.away = true;
    whereabouts.locate(['n1'], tellAs('away'));
    await turn();
    await directory.answer();
    directory.away = false;
    directory.at.set('n1', ['A']);
    whereabouts.locate(['n1'], tellAs('back'));
    await turn();
    await directory.answer();
    expect(told).toEqual([
      ['away', undefined],
      ['back', { A: ['n1'] }],
    ]);
  });
});
