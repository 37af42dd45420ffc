import { afterEach, describe, expect, it } from 'vitest';
import { notice } from '../modules/routing/testing/index.js';
import { selfSigned } from './testing/certificate.js';
import { LinkNode } from './testing/link-scene.js';

const good = selfSigned('127.0.0.1');
const elsewhere = selfSigned('127.0.0.2');
const nodes: LinkNode[] = [];

/** From one that trusts `ca` to one that shows `shown`. */
async function two(shown: { cert: string; key: string }, ca: string | undefined): Promise<[LinkNode, LinkNode]> {
  const a = (await LinkNode.start('~sa', { settings: { ca } })).listen();
  const b = (await LinkNode.start('~sb', { tls: shown })).listen();
  nodes.push(a, b);
  a.knows(b);
  return [a, b];
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
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
});
