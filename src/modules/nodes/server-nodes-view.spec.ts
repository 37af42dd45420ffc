import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ServerNode } from './server-node.js';
import { ServerNodesView } from './server-nodes-view.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from './testing/index.js';

const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };
const there = serverNodeRow({ address: 'there:1', serverNodeId: '~sThere', bootId: 'boot-there' });

let registry: MemoryServerNodes;
let clock: ManualClock;
let here: ServerNode;
let view: ServerNodesView;
let events: string[];

beforeEach(async () => {
  registry = new MemoryServerNodes();
  clock = new ManualClock();
  here = new ServerNode(registry);
  await here.claim(serverNodeAddress({ address: 'here:1' }));
  registry.rows.set('there:1', there);
  view = viewOf(here);
});

function viewOf(serverNode: ServerNode): ServerNodesView {
  events = [];
  const made = new ServerNodesView(registry, serverNode, clock, SETTINGS);
  made.onAppeared(({ bootId }) => events.push(`appeared ${bootId}`));
  made.onDied(({ bootId }) => events.push(`died ${bootId}`));
  made.onVanished(({ bootId }) => events.push(`vanished ${bootId}`));
  return made;
}

async function turn(ms = 3_000): Promise<void> {
  clock.advance(ms);
  await view.observe(here.beat());
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn();
}

function beatThere(): void {
  const row = registry.rows.get('there:1')!;
  registry.rows.set('there:1', { ...row, beat: row.beat + 1 });
}

describe('the view of the server nodes', () => {
  it('shows itself with the load of this moment, and the others as they told', async () => {
    let connections = 1;
    here.addLoad(() => ({ connections }));
    await view.refresh();
    connections = 9;
    expect(view.live()).toEqual([{ ...here.row, connections: 9 }, there]);
    expect([view.others, view.count]).toEqual([true, { live: 2, dead: 0 }]);
    expect([view.find('~sThere'), view.find('~sNowhere')]).toEqual([there, undefined]);
    expect(events).toEqual(['appeared boot-there']);
  });

  it('shares what is to be done out among those that live, each name to one of them', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `n:${index}`);
    expect(names.every((name) => view.cares(name))).toBe(true);
    await view.refresh();
    const mine = names.filter((name) => view.cares(name));
    expect([mine.length > 60, mine.length < 140]).toEqual([true, true]);
    const other = new ServerNode(registry);
    registry.rows.set('here:1', here.row);
    await other.claim(serverNodeAddress({ address: 'there:1' }));
    const theirs = new ServerNodesView(registry, other, clock, SETTINGS);
    await theirs.refresh();
    expect(names.filter((name) => theirs.cares(name))).toEqual(names.filter((name) => !mine.includes(name)));
  });

  it('shows nobody before this server node has its place', () => {
    const early = viewOf(new ServerNode(registry));
    expect([early.live(), early.others]).toEqual([[], false]);
  });

  it('tells once that one is dead, and takes its place away', async () => {
    await turns(3);
    expect([view.isLive('boot-there'), view.count]).toEqual([true, { live: 2, dead: 0 }]);
    await turns(1);
    expect(events).toEqual(['appeared boot-there', 'died boot-there', 'vanished boot-there']);
    expect(view.count).toEqual({ live: 1, dead: 0 });
    expect([view.isLive('boot-there'), view.holds('boot-there'), view.others]).toEqual([false, false, false]);
    expect(registry.rows.has('there:1')).toBe(false);
    await turns(3);
    expect(events).toHaveLength(3);
  });

  it('leaves the place to one whose heartbeat rises as it is being taken away', async () => {
    await turns(3);
    registry.beforeRelease = beatThere;
    await turns(1);
    expect(events).toEqual(['appeared boot-there', 'died boot-there', 'appeared boot-there']);
    expect([view.isLive('boot-there'), registry.rows.has('there:1')]).toEqual([true, true]);
  });

  it('declares nobody dead that the store kept from beating, though it could be read all the time', async () => {
    await turns(2);
    registry.isReadOnly = true;
    await turns(10);
    registry.isReadOnly = false;
    await turns(3);
    expect(view.isLive('boot-there')).toBe(true);
    beatThere();
    await turns(3);
    expect(events).toEqual(['appeared boot-there']);
  });

  it('declares nobody dead for the time in which the store was away, or it stood still itself', async () => {
    await turns(3);
    registry.isAway = true;
    await turns(10);
    registry.isAway = false;
    await turns(3);
    await turn(60_000);
    await turns(2);
    expect(events).toEqual(['appeared boot-there']);
    await turns(1);
    expect(events).toContain('died boot-there');
  });

  it('tries again when the place of a dead one could not be taken away', async () => {
    registry.beforeRelease = () => {
      throw new Error('away');
    };
    await turns(5);
    expect(events).toEqual(['appeared boot-there', 'died boot-there']);
    expect([view.count, view.isLive('boot-there'), view.holds('boot-there')]).toEqual([
      { live: 1, dead: 1 },
      false,
      true,
    ]);
    registry.beforeRelease = () => {};
    await turns(1);
    expect(events.at(-1)).toBe('vanished boot-there');
  });

  it('tells that a run is over when it left, and when another took its address', async () => {
    await view.refresh();
    registry.rows.set('there:1', { ...there, bootId: 'next' });
    await view.refresh();
    expect(events.slice(1)).toEqual(['died boot-there', 'vanished boot-there', 'appeared next']);
    registry.rows.delete('there:1');
    await view.refresh();
    expect(events.slice(4)).toEqual(['died next', 'vanished next']);
  });

  it('reads once for all who ask at the same time, and again for who asks while it reads', async () => {
    registry.reads = 0;
    await Promise.all([view.refresh(), view.refresh(), view.refresh()]);
    expect(registry.reads).toBe(2);
  });

  it('goes on reading after a reading failed', async () => {
    registry.isAway = true;
    const asked = [view.refresh(), view.refresh()];
    for (const each of asked) await expect(each).rejects.toThrow('away');
    registry.isAway = false;
    await view.refresh();
    expect(view.others).toBe(true);
  });

  it('reads anew for a run that it does not know, and never again for one that is over', async () => {
    await view.refresh();
    registry.reads = 0;
    await view.learn([here.bootId, 'boot-there']);
    expect(registry.reads).toBe(0);
    registry.rows.set('new:1', serverNodeRow({ address: 'new:1', serverNodeId: '~sNew', bootId: 'new' }));
    await view.learn(['new', 'long-gone']);
    expect([registry.reads, view.isLive('new'), view.isLive('long-gone')]).toEqual([1, true, false]);
    await view.learn(['new', 'long-gone']);
    expect(registry.reads).toBe(1);
  });

  it('takes itself for alive whatever the others did to its place', async () => {
    await view.refresh();
    registry.rows.delete('here:1');
    await view.refresh();
    expect([view.isLive(here.bootId), view.holds(here.bootId)]).toEqual([true, true]);
    expect(events).toEqual(['appeared boot-there']);
    await turn();
    expect(view.live().map(({ bootId }) => bootId)).toEqual([here.bootId, 'boot-there']);
  });
});
