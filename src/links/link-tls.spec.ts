import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import type { KeyPairFiles } from '../common/key-pair.js';
import { notice } from '../modules/routing/testing/index.js';
import { selfSigned } from './testing/certificate.js';
import { LinkNode } from './testing/link-scene.js';

const good = selfSigned('127.0.0.1');
const elsewhere = selfSigned('127.0.0.2');
const nodes: LinkNode[] = [];

let folder: string;
let files: KeyPairFiles;
let clock: ManualClock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'allspark-links-'));
  files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  clock = new ManualClock();
});

async function mount({ cert, key }: ReturnType<typeof selfSigned>): Promise<void> {
  await writeFile(files.certFile, cert);
  await writeFile(files.keyFile, key);
}

/** From one that trusts `ca` to one that shows `shown`. */
async function two(shown: ReturnType<typeof selfSigned>, ca: string | undefined): Promise<[LinkNode, LinkNode]> {
  await mount(shown);
  const a = (await LinkNode.start('~sa', { settings: { ca } })).listen();
  const b = (await LinkNode.start('~sb', { tls: files, clock })).listen();
  nodes.push(a, b);
  a.knows(b);
  return [a, b];
}

/** Resolves when whoever connects is shown that certificate. */
async function shows({ port }: LinkNode, cert: string): Promise<void> {
  const wanted = new X509Certificate(cert).fingerprint256;
  for (let shown = ''; shown !== wanted;) {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    shown = socket.getPeerCertificate().fingerprint256;
    socket.destroy();
  }
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
  await rm(folder, { recursive: true, force: true });
});

describe('a link over TLS', () => {
  it('is opened to a server node whose certificate the given authority vouches for', async () => {
    const [a, b] = await two(good, good.cert);
    expect(a.links.send('~sb', notice(1))).toBe(true);
    await b.heard.count(1);
    expect(b.heard.from('~sa')).toEqual([notice(1)]);
  });

  it.each([
    ['that nobody vouches for', good, undefined],
    ['of another authority', good, selfSigned('127.0.0.1').cert],
    ['for another address', elsewhere, elsewhere.cert],
  ])('is not opened to one with a certificate %s', async (_what, shown, ca) => {
    const [a, b] = await two(shown, ca);
    a.links.send('~sb', notice(1));
    await a.heard.change('~sb', 'down');
    expect(a.links.send('~sb', notice(2))).toBe(false);
    expect([b.heard.story, await b.figure('allspark_link_faults_total', {})]).toEqual([[], 0]);
  });

  it('is not opened without TLS where TLS is wanted', async () => {
    const [a, b] = await two(good, good.cert);
    a.knows(b, { ...b.address, internalUrl: b.address.internalUrl.replace('wss:', 'ws:') });
    a.links.send('~sb', notice(1));
    await a.heard.change('~sb', 'down');
    expect(b.heard.story).toEqual([]);
  });

  it('is shown a renewed certificate within five seconds, and one that is open stays', async () => {
    const renewed = selfSigned('127.0.0.1');
    const [before, b] = await two(good, good.cert);
    before.links.send('~sb', notice(1));
    await b.heard.count(1);
    const after = (await LinkNode.start('~sc', { settings: { ca: renewed.cert } })).listen().knows(b);
    nodes.push(after);
    await mount(renewed);
    clock.advance(5_000);
    await shows(b, renewed.cert);
    after.links.send('~sb', notice(2));
    before.links.send('~sb', notice(3));
    await b.heard.count(3);
    expect(b.heard.from('~sc')).toEqual([notice(2)]);
    expect(b.heard.changes).toEqual(['~sa up', '~sc up']);
  });
});
