import { createServer, type Server } from 'node:http';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, Clock, SystemClock } from '../common/clock.js';
import { Lifecycle } from '../common/lifecycle.js';
import { Metrics } from '../common/metrics.js';
import { UpgradeClaims } from '../common/upgrade-claims.js';
import { PeerLinks } from '../modules/routing/index.js';
import { Heard, hintedRow, notice } from '../modules/routing/testing/index.js';
import { LinksEntrance, LinksModule, type LinkListenerSettings } from './index.js';
import { KnownPeers, LinkNode, linkSettings, Wire } from './testing/link-scene.js';

const OWN_LISTENER = { host: '127.0.0.1', port: 0 };

@Module({})
class Surroundings {
  static with(peers: KnownPeers, lifecycle: Lifecycle): DynamicModule {
    const providers = [
      { provide: Clock, useValue: new SystemClock() },
      { provide: Lifecycle, useValue: lifecycle },
      { provide: Metrics, useValue: new Metrics() },
      { provide: UpgradeClaims, useValue: new UpgradeClaims() },
      { provide: KnownPeers, useValue: peers },
    ];
    return { module: Surroundings, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
}

/** One server node: nothing but links. */
interface Process {
  readonly peers: KnownPeers;
  readonly heard: Heard;
  readonly lifecycle: Lifecycle;
  readonly app: INestApplicationContext;
  readonly links: PeerLinks;
}

const ended: Array<() => Promise<unknown>> = [];

async function start(id: string, listener?: LinkListenerSettings): Promise<Process> {
  const peers = new KnownPeers({ serverNodeId: id, bootId: `boot of ${id}` });
  const lifecycle = new Lifecycle();
  const settings = linkSettings({ listener });
  const imports = [Surroundings.with(peers, lifecycle), LinksModule.forRoot(settings, { addresses: KnownPeers })];
  const app = await NestFactory.createApplicationContext({ module: class Root {}, imports }, { logger: false });
  ended.push(() => app.close());
  const heard = new Heard();
  const links = app.get(PeerLinks);
  links.listen(heard);
  return { peers, heard, lifecycle, app, links };
}

function introduce(from: Process, to: Process, port: number): void {
  const { serverNodeId = '', bootId = '' } = to.peers.self ?? {};
  from.peers.peers.set(serverNodeId, { internalUrl: `ws://127.0.0.1:${port}`, bootId });
}

const ownPort = ({ app }: Process): number => app.get(LinksEntrance).address?.port ?? 0;

/** Stands for the public listener, which asks the claims before it turns an upgrade away. */
async function publicListener({ app }: Process): Promise<Server> {
  const claims = app.get(UpgradeClaims);
  const server = createServer().on('upgrade', (request, socket, head) => {
    if (!claims.take(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ended.push(async () => server.close());
  return server;
}

afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

describe('two server nodes', () => {
  it('talk over listeners of their own', async () => {
    const [a, b] = [await start('~sa', OWN_LISTENER), await start('~sb', OWN_LISTENER)];
    introduce(a, b, ownPort(b));
    introduce(b, a, ownPort(a));
    a.links.send('~sb', notice(1));
    b.links.send('~sa', { kind: 'rows', rows: [hintedRow()] });
    await Promise.all([a.heard.count(1), b.heard.count(1)]);
    expect(b.heard.from('~sa')).toEqual([notice(1)]);
    expect(a.heard.from('~sb')).toEqual([{ kind: 'rows', rows: [hintedRow()] }]);
  });

  it('talk over the public listener where none has one of its own', async () => {
    const [a, b] = [await start('~sa'), await start('~sb')];
    introduce(a, b, ((await publicListener(b)).address() as AddressInfo).port);
    a.links.send('~sb', notice(1));
    await b.heard.count(1);
    expect(b.app.get(LinksEntrance).address).toBeUndefined();
  });

  it('have no link on the public listener where one has a listener of its own', async () => {
    const [a, b] = [await start('~sa'), await start('~sb', OWN_LISTENER)];
    introduce(a, b, ((await publicListener(b)).address() as AddressInfo).port);
    a.links.send('~sb', notice(1));
    await a.heard.change('~sb', 'down');
    expect(b.heard.story).toEqual([]);
  });
});

describe('a server node that goes away', () => {
  it('closes its links when all else is drained, what waits being sent before', async () => {
    const [a, b] = [await start('~sa', OWN_LISTENER), await start('~sb', OWN_LISTENER)];
    introduce(a, b, ownPort(b));
    a.links.send('~sb', notice(1));
    await b.heard.count(1);
    const work = new EventEmitter();
    const drained = once(work, 'drained').then(() => {});
    a.lifecycle.drainsBy(() => drained);
    const closed = a.app.close();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(a.links.send('~sb', notice(2))).toBe(true);
    work.emit('drained');
    await closed;
    await b.heard.change('~sa', 'down');
    expect(b.heard.story).toEqual(['~sa up', '~sa notices', '~sa notices', '~sa down']);
    expect(a.links.send('~sb', notice(3))).toBe(false);
  });

  it('lets its public listener end', async () => {
    const [a, b] = [await start('~sa'), await start('~sb')];
    const server = await publicListener(b);
    introduce(a, b, (server.address() as AddressInfo).port);
    a.links.send('~sb', notice(1));
    await b.heard.count(1);
    const closed = once(server, 'close');
    await b.app.close();
    server.close();
    await closed;
  });
});

it('open links to each other however much their clocks differ', async () => {
  const dayMs = 86_400_000;
  const clocks = [new ManualClock(dayMs), new ManualClock(10 * dayMs)];
  const [a, b] = await Promise.all(clocks.map((clock, index) => LinkNode.start(`~s${index}`, { clock })));
  ended.push(() => Promise.all([a!.close(), b!.close()]));
  a!.listen().knows(b!.listen().knows(a!));
  a!.links.send('~s1', notice(1));
  b!.links.send('~s0', notice(2));
  await Promise.all([a!.heard.count(1), b!.heard.count(1)]);
});

it('both ends find a link dead behind a cable that was pulled, and one opens it again', async () => {
  const clock = new ManualClock();
  const [a, b] = [await LinkNode.start('~sa', { clock }), await LinkNode.start('~sb', { clock })];
  const wire = await Wire.to(b.port);
  ended.push(
    () => Promise.all([a.close(), b.close()]),
    async () => wire.close(),
  );
  a.listen().knows(b.listen(), { ...b.address, internalUrl: wire.url });
  a.links.send('~sb', notice(1));
  await b.heard.count(1);
  wire.silence();
  clock.advance(14_999);
  expect([a.heard.changes, b.heard.changes]).toEqual([['~sb up'], ['~sa up']]);
  clock.advance(1);
  await Promise.all([a.heard.change('~sb', 'down'), b.heard.change('~sa', 'down')]);
  a.heard.forget();
  wire.heal();
  clock.advance(200);
  await a.heard.change('~sb', 'up');
  expect(a.links.send('~sb', notice(2))).toBe(true);
  await b.heard.count(2);
});
