import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { ManualClock } from '../common/clock.js';
import { hintedRow, notice, turnsUntil } from '../modules/routing/testing/index.js';
import type { LinkClaims } from './link-tokens.js';
import type { LinksSettings } from './links.settings.js';
import { FakeAcceptor, helloOf } from './testing/fake-peer.js';
import { LinkNode } from './testing/link-scene.js';

const PEER = '~speer';

let clock: ManualClock;
let node: LinkNode;
let fake: FakeAcceptor;

/** One of our server nodes that knows an acceptor by hand. */
async function meet(
  greet: (socket: WebSocket, claims: LinkClaims) => void,
  settings: Partial<LinksSettings> = {},
): Promise<void> {
  fake = await FakeAcceptor.start(greet);
  node = (await LinkNode.start('~sa', { clock, settings })).listen();
  node.peers.peers.set(PEER, fake.address);
}

const friendly = (socket: WebSocket, claims: LinkClaims): void => socket.send(helloOf(claims));
const faults = (reason: string): Promise<number> => node.figure('allspark_link_faults_total', { reason });
const drops = (reason: string): Promise<number> => node.figure('allspark_link_drops_total', { reason });
const send = (n: number): boolean => node.links.send(PEER, notice(n));

beforeEach(() => {
  clock = new ManualClock();
});

afterEach(async () => {
  await fake.close();
  await node.close();
});

describe('a server node that opens a link', () => {
  it('opens it when it is first needed, and one for all that is sent', async () => {
    await meet(friendly);
    expect(fake.links).toHaveLength(0);
    for (let n = 0; n < 10; n += 1) expect(send(n)).toBe(true);
    await fake.until(() => fake.texts.length > 0);
    expect(fake.links).toHaveLength(1);
    expect(fake.links[0]?.claims).toMatchObject({
      from: { serverNodeId: '~sa', bootId: 'boot of ~sa' },
      to: { serverNodeId: PEER, bootId: 'fake boot' },
    });
  });

  it('sends what one turn brought as one message', async () => {
    await meet(friendly);
    send(1);
    await node.heard.change(PEER, 'up');
    await fake.until(() => fake.texts.length === 1);
    for (let n = 0; n < 50; n += 1) send(n);
    await fake.until(() => fake.texts.length === 2);
    expect(JSON.parse(fake.texts[1]!)).toHaveLength(51);
    expect(await node.figure('allspark_link_frames_total', { direction: 'sent' })).toBe(51);
  });

  it('sends nothing before the acceptor proved itself', async () => {
    await meet(() => {});
    send(1);
    await fake.until(() => fake.links.length === 1);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(fake.texts).toEqual([]);
    friendly(fake.links[0]!.socket, fake.links[0]!.claims);
    await fake.until(() => fake.texts.length === 1);
  });

  it.each([
    ['a wrong proof', (claims: LinkClaims) => helloOf(claims, { proof: 'wrong' }), 'unproven'],
    ['the proof of another link', (claims: LinkClaims) => helloOf({ ...claims, nonce: 'other' }), 'unproven'],
    ['the proof of another run', (claims: LinkClaims) => helloOf({ ...claims, to: claims.from }), 'unproven'],
    ['no hello', () => '[[],["m","bob"]]\n', 'unproven'],
    ['garbage', () => '\u0000{', 'unproven'],
    ['nothing', () => '', 'unproven'],
    ['null', () => 'null', 'unproven'],
    ['a version that was not offered', (claims: LinkClaims) => helloOf(claims, { version: 2 }), 'no_common_version'],
    ['a hello that is too big', (claims: LinkClaims) => helloOf(claims) + ' '.repeat(70_000), 'refused'],
  ])('turns away from an acceptor that answers with %s', async (_what, hello, reason) => {
    await meet((socket, claims) => socket.send(hello(claims)));
    expect(send(1)).toBe(true);
    await node.heard.change(PEER, 'down');
    expect(send(2)).toBe(false);
    expect(fake.texts).toEqual([]);
    expect([await faults(reason), await drops('lost'), await drops('unreachable')]).toEqual([1, 1, 1]);
    expect(node.heard.changes).toEqual([`${PEER} down`]);
  });

  it('gives up after 5 s when the acceptor lets it in and says nothing', async () => {
    await meet(() => {});
    send(1);
    await fake.until(() => fake.links.length === 1);
    clock.advance(4_999);
    expect(send(2)).toBe(true);
    clock.advance(1);
    expect(send(3)).toBe(false);
    expect([await faults('timeout'), await drops('lost')]).toEqual([1, 2]);
  });

  it('gives up after 5 s when nobody speaks there at all', async () => {
    await meet(friendly);
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    node.peers.peers.set(PEER, {
      internalUrl: `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      bootId: 'b',
    });
    send(1);
    await once(silent, 'connection');
    clock.advance(5_000);
    await node.heard.change(PEER, 'down');
    expect(await faults('timeout')).toBe(1);
    silent.close();
  });

  it('takes an address that is none for a peer that cannot be reached', async () => {
    await meet(friendly);
    node.peers.peers.set(PEER, { internalUrl: 'no address', bootId: 'b' });
    expect(send(1)).toBe(true);
    await node.heard.change(PEER, 'down');
    expect(send(2)).toBe(false);
  });

  it('looks again who is there when the acceptor is another run, and asks that one without a pause', async () => {
    await meet(friendly);
    const peer = (await LinkNode.start(PEER, { clock, bootId: 'next boot' })).listen();
    node.peers.peers.set(PEER, { ...peer.address, bootId: 'earlier boot' });
    node.peers.news.set(PEER, peer.address);
    send(1);
    await node.heard.change(PEER, 'up');
    send(2);
    await peer.heard.count(1);
    expect(peer.heard.from('~sa')).toEqual([notice(2)]);
    expect([node.peers.looks, await faults('wrong_server_node')]).toEqual([1, 1]);
    await peer.close();
  });

  it('opens one to a server node that was there before it, though there is nothing to say', async () => {
    await meet(friendly);
    node.peers.appeared(PEER, false);
    expect(clock.waiting).toBe(0);
    node.peers.appeared(PEER, true);
    await fake.until(() => fake.links.length === 1);
    expect(fake.texts).toEqual([]);
  });

  it('opens another when it goes on as another run, so that its peer looks again', async () => {
    await meet(friendly);
    node.peers.appeared(PEER, true);
    await node.heard.change(PEER, 'up');
    node.peers.appeared(PEER, true);
    Object.assign(node.peers, { self: { serverNodeId: '~sa', bootId: 'next boot' } });
    node.peers.appeared(PEER, true);
    await node.heard.change(PEER, 'down');
    clock.advance(2_000);
    await fake.until(() => fake.links.length === 2);
    expect(fake.links.length).toBe(2);
  });

  it('passes over what an acceptor of a later version says after its hello', async () => {
    await meet((socket, claims) => {
      friendly(socket, claims);
      socket.send('["something new"]');
    });
    send(1);
    await fake.until(() => fake.texts.length === 1);
    send(2);
    await fake.until(() => fake.texts.length === 2);
    expect(await drops('unknown_kind')).toBe(1);
  });
});

describe('a link that is open', () => {
  it('asks each 5 s and is dead after 15 s without an answer, which its owner is told once', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    fake.links[0]!.socket.pause();
    clock.advance(14_999);
    expect(node.heard.changes).toEqual([`${PEER} up`]);
    clock.advance(1);
    await node.heard.change(PEER, 'down');
    expect(await faults('dead')).toBe(1);
    expect(node.heard.changes).toEqual([`${PEER} up`, `${PEER} down`]);
  });

  it('stays as long as it is answered, and measures how long an answer takes', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    const roundTrips = (): Promise<number> => node.figure('allspark_link_round_trip_seconds', { le: '+Inf' });
    for (let pings = 1; pings <= 6; pings += 1) {
      clock.advance(5_000);
      while ((await roundTrips()) < pings) await new Promise((resolve) => void setImmediate(resolve));
    }
    expect(node.heard.changes).toEqual([`${PEER} up`]);
  });

  it('keeps at most so many bytes for a peer that never reads, its socket counted, and drops what is more', async () => {
    await meet(
      (socket, claims) => {
        friendly(socket, claims);
        socket.pause();
      },
      { waitingBytes: 3_000_000 },
    );
    send(1);
    await node.heard.change(PEER, 'up');
    const body = 'x'.repeat(50_000);
    let taken = 0;
    let refused = 0;
    while (refused === 0) {
      await new Promise((resolve) => void setImmediate(resolve));
      for (let n = 0; n < 20; n += 1) {
        const row = hintedRow({ n, body: `${taken}${body}` });
        if (node.links.send(PEER, { kind: 'rows', rows: [row] })) taken += 1;
        else refused += 1;
      }
    }
    // Looked at before the next turn, in which the kernel may take some of it.
    const waiting = await node.figure('allspark_link_waiting_bytes', {});
    expect(waiting).toBeGreaterThan(2_900_000);
    expect(waiting).toBeLessThan(3_100_000);
    expect(await drops('full')).toBe(refused);
    clock.advance(15_000);
    await node.heard.change(PEER, 'down');
    expect(await node.figure('allspark_link_waiting_bytes', {})).toBe(0);
  });

  it('drops a message that the peer would not take, and goes on', async () => {
    await meet((socket, claims) => socket.send(helloOf(claims, { maxBytes: 1_000 })));
    send(1);
    await fake.until(() => fake.texts.length === 1);
    node.links.send(PEER, { kind: 'rows', rows: [hintedRow({ body: 'x'.repeat(1_000) })] });
    await turnsUntil(() => node.heard.changes.length === 1);
    await new Promise((resolve) => void setImmediate(resolve));
    send(2);
    await fake.until(() => fake.texts.length === 2);
    expect(await drops('too_big')).toBe(1);
  });

  it('ends when the peer leaves the registry, and is forgotten', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    node.peers.peers.delete(PEER);
    clock.advance(5_000);
    await node.heard.change(PEER, 'down');
    expect(send(2)).toBe(false);
    expect(clock.waiting).toBe(0);
    expect(await node.figure('allspark_link_frames_total', { direction: 'sent' })).toBe(0);
  });

  it('is counted on when one to a peer that had its address before ends', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    node.peers.peers.delete(PEER);
    node.peers.peers.set('~snext', { ...fake.address, bootId: 'next boot' });
    node.links.send('~snext', notice(2));
    await fake.until(() => fake.texts.length === 2);
    clock.advance(5_000);
    await node.heard.change(PEER, 'down');
    node.links.send('~snext', notice(3));
    await fake.until(() => fake.texts.length === 3);
    expect(await node.figure('allspark_link_frames_total', { direction: 'sent' })).toBe(3);
    node.peers.peers.delete('~snext');
    clock.advance(5_000);
    await node.heard.change('~snext', 'down');
    expect(await node.figure('allspark_link_frames_total', {})).toBe(0);
  });

  it('ends when another run is at its address, and is opened to that', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    node.peers.peers.set(PEER, { ...fake.address, bootId: 'next boot' });
    clock.advance(5_000);
    await node.heard.change(PEER, 'down');
    clock.advance(200);
    await fake.until(() => fake.links.length === 2);
    expect(fake.links[1]?.claims.to.bootId).toBe('next boot');
  });

  it('sends what waits before it is closed', async () => {
    await meet(friendly);
    send(1);
    await node.heard.change(PEER, 'up');
    for (let n = 0; n < 100; n += 1)
      node.links.send(PEER, { kind: 'rows', rows: [hintedRow({ n, body: 'x'.repeat(9_000) })] });
    const closed = node.links.close();
    expect(send(2)).toBe(false);
    await closed;
    await fake.until(() => fake.texts.join('').match(/\["r"/g)?.length === 100);
  });
});

describe('a link that is gone', () => {
  it('is opened again after 100 to 200 ms, without being asked', async () => {
    await meet(friendly);
    send(1);
    await fake.until(() => fake.texts.length === 1);
    fake.links[0]!.socket.terminate();
    await node.heard.change(PEER, 'down');
    clock.advance(99);
    expect(fake.links).toHaveLength(1);
    clock.advance(101);
    await fake.until(() => fake.links.length === 2);
    node.heard.forget();
    await node.heard.change(PEER, 'up');
    expect(await node.figure('allspark_link_reconnects_total', {})).toBe(1);
  });

  it('keeps what is sent meanwhile for the next try, and drops it when that fails', async () => {
    let welcome = true;
    await meet((socket, claims) => (welcome ? friendly(socket, claims) : socket.terminate()));
    send(1);
    await fake.until(() => fake.texts.length === 1);
    fake.links[0]!.socket.terminate();
    await node.heard.change(PEER, 'down');
    node.heard.forget();
    welcome = false;
    expect(send(2)).toBe(true);
    clock.advance(200);
    await node.heard.change(PEER, 'down');
    expect([send(3), await drops('lost'), await drops('unreachable')]).toEqual([false, 1, 1]);
    welcome = true;
    clock.advance(2_000);
    await node.heard.change(PEER, 'up');
    expect(send(4)).toBe(true);
  });

  it('is tried again at once when another run appears there, for which what is sent waits', async () => {
    await meet((socket) => socket.terminate());
    send(1);
    await node.heard.change(PEER, 'down');
    expect(send(2)).toBe(false);
    const next = (await LinkNode.start(PEER, { clock })).listen();
    node.knows(next);
    node.peers.appeared(PEER, false);
    expect(send(3)).toBe(true);
    await next.heard.count(1);
    expect(next.heard.from('~sa')).toEqual([notice(3)]);
    await next.close();
  });

  it('is tried again only as long as something is sent, when it never was open', async () => {
    await meet((socket) => socket.terminate());
    send(1);
    await node.heard.change(PEER, 'down');
    clock.advance(2_000);
    expect(clock.waiting).toBe(0);
    expect(send(2)).toBe(true);
    await fake.until(() => fake.links.length === 2);
  });

  it('is tried again after at most 2 s however often it failed', async () => {
    let welcome = true;
    await meet((socket, claims) => (welcome ? friendly(socket, claims) : socket.terminate()));
    send(1);
    await node.heard.change(PEER, 'up');
    welcome = false;
    fake.links[0]!.socket.terminate();
    await node.heard.change(PEER, 'down');
    for (let tries = 2; tries < 12; tries += 1) {
      clock.advance(2_000);
      await fake.until(() => fake.links.length === tries);
      while ((await faults('refused')) < tries - 1) await new Promise((resolve) => void setImmediate(resolve));
    }
  });
});
