import { expect, it } from 'vitest';
import { Heard } from './heard.js';
import { LocalNetwork } from './local-peer-links.js';
import { notice, peerLinksContract } from './peer-links-contract.js';

peerLinksContract('a test', async (count) => {
  const network = new LocalNetwork();
  const nodes = Array.from({ length: count }, (_, index) => {
    const serverNodeId = `~s${index}`;
    return { serverNodeId, links: network.join(serverNodeId) };
  });
  return {
    nodes,
    cut: (a, b) => network.cut(a, b),
    heal: (a, b) => network.heal(a, b),
    close: async () => {},
  };
});

it('loses the frames that a test wants lost, and nobody is told', async () => {
  const network = new LocalNetwork();
  const a = network.join('~a');
  const b = network.join('~b');
  const heard = new Heard();
  b.listen(heard);
  network.lose = (_from, _to, frame) => frame.kind === 'moved';
  expect([a.send('~b', { kind: 'moved', nodeIds: ['n'] }), a.send('~b', notice(1))]).toEqual([true, true]);
  await heard.count(1);
  expect(heard).toMatchObject({ frames: [{ from: '~a', frame: notice(1) }], changes: ['~a up'] });
});

it('tells those that are left of one that leaves, and knows it no more', async () => {
  const network = new LocalNetwork();
  const [a, b] = [network.join('~a'), network.join('~b')];
  const heard = new Heard();
  a.listen(heard);
  a.send('~b', notice(1));
  await heard.change('~b', 'up');
  network.leave('~b');
  await heard.change('~b', 'down');
  expect([a.send('~b', notice(2)), b.send('~a', notice(3))]).toEqual([false, false]);
});
