import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { signAuthKey } from '../modules/auth/index.js';
import { notice } from '../modules/routing/testing/index.js';
import { LinkBatch } from './link-batch.js';
import { LinkTokens } from './link-tokens.js';
import type { LinksSettings } from './links.settings.js';
import { FakeDialler } from './testing/fake-dialler.js';
import { tokens } from './testing/fake-peer.js';
import { LINK_SECRET, LinkNode } from './testing/link-scene.js';

const PEER = '~sfake';

let clock: ManualClock;
let node: LinkNode;

async function start(settings: Partial<LinksSettings> = {}): Promise<void> {
  clock = new ManualClock();
  node = (await LinkNode.start('~sb', { clock, settings })).listen();
}

const faults = (reason: string): Promise<number> => node.figure('allspark_link_faults_total', { reason });
const drops = (reason: string): Promise<number> => node.figure('allspark_link_drops_total', { reason });

/** A problem document without what differs each time. */
const plain = (body: string): object => ({ ...(JSON.parse(body) as object), request_id: '' });

function textOf(...numbers: number[]): string {
  const batch = new LinkBatch();
  for (const n of numbers) batch.add(notice(n));
  return batch.text();
}

beforeEach(() => start());
afterEach(() => node.close());

describe('a server node that is opened a link to', () => {
  it('proves itself at once and says what it takes', async () => {
    const peer = await FakeDialler.open(node);
    const hello = JSON.parse(peer.hello) as { version: number; maxBytes: number; proof: string };
    expect(hello).toMatchObject({ version: 1, maxBytes: 16 * 1024 * 1024 });
    expect(tokens.isProof(hello.proof, peer.claims, hello)).toBe(true);
    expect(node.heard.changes).toEqual([`${PEER} up`]);
  });

  it('hears what is sent, in its order', async () => {
    const peer = await FakeDialler.open(node);
    peer.socket.send(textOf(1, 2));
    peer.socket.send(textOf(3));
    await node.heard.count(3);
    expect(node.heard.from(PEER)).toEqual([notice(1), notice(2), notice(3)]);
    expect(await node.figure('allspark_link_frames_total', { direction: 'received' })).toBe(3);
  });

  it('hears what comes glued to the handshake or before its hello was read', async () => {
    const { hostname, port } = new URL(node.address.internalUrl);
    const raw = connect(Number(port), hostname);
    const token = tokens.sign(FakeDialler.claimsFor(node));
    const lines = [
      'GET /link HTTP/1.1',
      'host: x',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
    ];
    const key = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==';
    const frame = Buffer.from(textOf(7));
    const header = Buffer.from([0x81, 0x80 | frame.length, 0, 0, 0, 0]);
    raw.write(
      Buffer.concat([
        Buffer.from([...lines, key, `authorization: Bearer ${token}`, '\r\n'].join('\r\n')),
        header,
        frame,
      ]),
    );
    await node.heard.count(1);
    expect(node.heard.from(PEER)).toEqual([notice(7)]);
    raw.destroy();
  });

  it('agrees on the lower of two highest versions', async () => {
    const { hello } = await FakeDialler.open(node, { versions: { lowest: 1, highest: 7 } });
    expect(JSON.parse(hello)).toMatchObject({ version: 1 });
  });

  it.each([
    ['another server node', { to: { serverNodeId: '~sother', bootId: 'boot of ~sb' } }, 421, 'wrong_server_node'],
    ['an earlier run', { to: { serverNodeId: '~sb', bootId: 'earlier' } }, 421, 'wrong_server_node'],
    ['itself', { from: { serverNodeId: '~sb', bootId: 'boot of ~sb' } }, 421, 'wrong_server_node'],
    ['one of later versions only', { versions: { lowest: 2, highest: 9 } }, 426, 'no_common_version'],
  ])('tells one that proved itself why it is refused: meant for %s', async (_what, changes, status, reason) => {
    const token = tokens.sign(FakeDialler.claimsFor(node, changes));
    expect(await FakeDialler.refused(node, `Bearer ${token}`)).toMatchObject({ status, reason });
    expect(await faults(reason)).toBe(1);
    expect(node.heard.changes).toEqual([]);
  });

  it('answers a stranger as at any path that does not exist', async () => {
    const authKey = await signAuthKey({ sub: 'sa', role: 'admin', alg: 'HS256', secret: LINK_SECRET });
    const other = new LinkTokens('another secret of 32 bytes, or a bit more').sign(FakeDialler.claimsFor(node));
    const earlier = tokens.sign(FakeDialler.claimsFor(node));
    const used = tokens.sign((await FakeDialler.open(node)).claims);
    const elsewhere = await FakeDialler.refused(node, undefined, '/nowhere');
    for (const given of [
      undefined,
      '',
      'Bearer x',
      `Bearer ${authKey}`,
      `Bearer ${other}`,
      `Bearer ${used}`,
      `Bearer ${earlier}`,
    ]) {
      const answer = await FakeDialler.refused(node, given);
      expect(answer).toMatchObject({ status: 404, reason: undefined });
      expect(plain(answer.body)).toEqual(plain(elsewhere.body));
    }
    expect([await faults('stranger'), await faults('replayed')]).toEqual([5, 2]);
  });

  it('has no other service on its own listener', async () => {
    const url = node.address.internalUrl.replace('ws:', 'http:');
    expect((await fetch(`${url}/link`)).status).toBe(404);
    expect((await fetch(`${url}/v1/messages`, { method: 'POST', body: '{}' })).status).toBe(404);
  });

  it('takes nobody while it has no place in the cluster, nor while it goes away', async () => {
    const claims = FakeDialler.claimsFor(node);
    Object.assign(node.peers, { self: undefined });
    const answer = await FakeDialler.refused(node, `Bearer ${tokens.sign(claims)}`);
    expect(answer).toMatchObject({ status: 503, reason: 'going_away' });
  });

  it('looks again who is there when it does not know its peer, or another run of it', async () => {
    await FakeDialler.open(node);
    node.peers.peers.set(PEER, { internalUrl: 'ws://127.0.0.1:1', bootId: 'earlier' });
    await FakeDialler.open(node);
    node.peers.peers.set(PEER, { internalUrl: 'ws://127.0.0.1:1', bootId: 'fake boot' });
    await FakeDialler.open(node);
    expect(node.peers.looks).toBe(2);
  });

  it('greets a peer that it does not know when it has looked, so that it is known by then', async () => {
    const order: string[] = [];
    const looks: Array<() => void> = [];
    node.peers.lookAgain = () => new Promise((resolve) => void looks.push(resolve));
    const young = FakeDialler.open(node).then(() => order.push('greeted'));
    await node.heard.change(PEER, 'up');
    node.peers.peers.set('~sold', { internalUrl: 'ws://127.0.0.1:1', bootId: 'old boot' });
    await FakeDialler.open(node, { from: { serverNodeId: '~sold', bootId: 'old boot' } });
    order.push('looked');
    looks[0]?.();
    await young;
    expect(order).toEqual(['looked', 'greeted']);
  });

  it('has one link of a peer: a newer one ends the one before', async () => {
    const first = await FakeDialler.open(node);
    const ended = first.ended();
    const second = await FakeDialler.open(node);
    await ended;
    expect(node.heard.changes).toEqual([`${PEER} up`, `${PEER} down`, `${PEER} up`]);
    second.socket.send(textOf(1));
    await node.heard.count(1);
  });
});

describe('an incoming link', () => {
  it.each([
    ['garbage', (peer: FakeDialler) => peer.socket.send('garbage')],
    ['nothing', (peer: FakeDialler) => peer.socket.send('')],
    ['a binary message', (peer: FakeDialler) => peer.socket.send(Buffer.from(textOf(1)))],
    ['a row without fields', (peer: FakeDialler) => peer.socket.send('[[],["r",1]]\n')],
  ])('is closed on %s, of which nothing counts, and counted', async (_what, lie) => {
    const peer = await FakeDialler.open(node);
    peer.socket.send(textOf(1));
    lie(peer);
    peer.socket.send(textOf(2));
    expect(await peer.ended()).toBe(1007);
    expect(node.heard.story).toEqual([`${PEER} up`, `${PEER} notices`, `${PEER} down`]);
    expect(await faults('malformed')).toBe(1);
  });

  it('is closed on a message that is too big, before it is in memory', async () => {
    await node.close();
    await start({ waitingBytes: 100_000 });
    const peer = await FakeDialler.open(node);
    peer.socket.send('x'.repeat(100_001));
    expect(await peer.ended()).toBe(1009);
    expect(node.heard.story).toEqual([`${PEER} up`, `${PEER} down`]);
    expect(await faults('malformed')).toBe(1);
  });

  it('passes over frames of kinds that it does not know, and of those that were handed on too often', async () => {
    const peer = await FakeDialler.open(node);
    peer.socket.send('[[2],["later",{}],["f",2,0,"bob"],["f",1,0,"bob"]]\n{}');
    await node.heard.count(1);
    expect(node.heard.from(PEER)).toEqual([{ kind: 'frame', nodeIds: ['bob'], frame: '{}', hops: 1 }]);
    expect([await drops('unknown_kind'), await drops('hops')]).toEqual([1, 1]);
  });

  it('is dead after 15 s of silence, however open the socket is', async () => {
    const peer = await FakeDialler.open(node);
    const ended = peer.ended();
    clock.advance(14_999);
    expect(node.heard.changes).toEqual([`${PEER} up`]);
    clock.advance(1);
    expect(node.heard.changes).toEqual([`${PEER} up`, `${PEER} down`]);
    expect(await ended).toBe(1006);
    expect(clock.waiting).toBe(0);
  });

  it('stays as long as its peer asks', async () => {
    const peer = await FakeDialler.open(node);
    for (let pings = 0; pings < 5; pings += 1) {
      clock.advance(10_000);
      peer.socket.ping();
      await once(peer.socket, 'pong');
    }
    expect(node.heard.changes).toEqual([`${PEER} up`]);
  });

  it('says goodbye when its server node goes away', async () => {
    const peer = await FakeDialler.open(node);
    const ended = peer.ended();
    await node.close();
    expect(await ended).toBe(1001);
    expect(clock.waiting).toBe(0);
  });

  it('drops what comes while nobody listens', async () => {
    const deaf = await LinkNode.start('~sdeaf', { clock });
    const peer = await FakeDialler.open(deaf);
    peer.socket.send(textOf(1));
    peer.socket.ping();
    await once(peer.socket, 'pong');
    expect(await deaf.figure('allspark_link_drops_total', { reason: 'unheard' })).toBe(1);
    await deaf.close();
  });
});
