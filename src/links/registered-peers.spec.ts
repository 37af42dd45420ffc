import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { Lifecycle } from '../common/lifecycle.js';
import { ServerNode, ServerNodesView } from '../modules/nodes/index.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from '../modules/nodes/testing/index.js';
import { RegisteredPeers } from './registered-peers.js';

const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };

let registry: MemoryServerNodes;
let clock: ManualClock;
let lifecycle: Lifecycle;
let self: ServerNode;
let view: ServerNodesView;
let peers: RegisteredPeers;

beforeEach(async () => {
  registry = new MemoryServerNodes();
  clock = new ManualClock();
  lifecycle = new Lifecycle();
  self = new ServerNode(registry);
  await self.claim(serverNodeAddress({ address: 'here:1' }));
  view = new ServerNodesView(registry, self, clock, SETTINGS);
  peers = new RegisteredPeers(self, view, lifecycle, clock);
});

function comes(name: string): void {
  registry.rows.set(name, serverNodeRow({ address: name, serverNodeId: `~s${name}`, bootId: `boot of ${name}` }));
}

describe('the peers of the registry', () => {
  it('are known before the next heartbeat when somebody asks for another look', async () => {
    comes('young');
    expect(peers.find('~syoung')).toBeUndefined();
    await peers.lookAgain();
    expect(peers.find('~syoung')).toMatchObject({ bootId: 'boot of young' });
  });

  it('are looked at once a second however many ask, and nobody who asks misses what was there by then', async () => {
    let reads = 0;
    const all = registry.all.bind(registry);
    registry.all = () => {
      reads += 1;
      return all();
    };
    await peers.lookAgain();
    comes('young');
    const looks = [1, 2, 3].map(() => peers.lookAgain());
    clock.advance(999);
    expect([reads, clock.waiting]).toEqual([1, 1]);
    clock.advance(1);
    await Promise.all(looks);
    expect([reads, peers.find('~syoung')?.bootId]).toEqual([2, 'boot of young']);
  });

  it('stay as they are known while the store is away', async () => {
    comes('there');
    await peers.lookAgain();
    registry.isAway = true;
    clock.advance(1_000);
    await peers.lookAgain();
    expect(peers.find('~sthere')).toBeDefined();
  });

  it('are all taken for older when this one goes on as another run, of which none of them knows', async () => {
    const told: Array<[string, boolean]> = [];
    lifecycle.becomeReady();
    peers.onAppeared((...what) => void told.push(what));
    comes('one');
    await view.refresh();
    registry.rows.delete('here:1');
    comes('another');
    await self.beat();
    await view.refresh();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(told.filter(([, isOlder]) => isOlder).map(([id]) => id)).toEqual(
      expect.arrayContaining(['~sone', '~sanother']),
    );
  });

  it('are told apart by whether they were there before this one', async () => {
    const told: Array<[string, boolean]> = [];
    peers.onAppeared((...what) => void told.push(what));
    comes('elder');
    await view.refresh();
    lifecycle.becomeReady();
    comes('young');
    await view.refresh();
    expect(told).toEqual([
      ['~selder', true],
      ['~syoung', false],
    ]);
  });
});
