import { pause, within } from '../harness/wait.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { now } from '../harness/measure.js';
import { settleNeighbours } from './neighbours.js';

const CLIENTS = 200;
/** The short form asks five times as often, and gives a fifth of the time. */
const FAST = { PING_INTERVAL_MS: '5000', PONG_TIMEOUT_MS: '2000' };

export const f13: Row = {
  id: 'F13',
  title: 'half-open clients',
  families: FAMILIES,
  short: ['embedded'],
  async run(scene) {
    const { report, short } = scene;
    const server = await scene.server(short ? FAST : {});
    const proxy = server.proxy!;
    const healthy = await settleNeighbours(scene, server.directUrl, 10, 10);
    const [before, files] = [await server.connections(), server.openFiles];
    const crew = scene.crew();
    const nodes = Array.from({ length: CLIENTS }, (_none, index) => `half-open-${index + 1}`);
    for (const node of nodes) {
      await crew.read({ kind: 'raw', reader: `${node}/one`, node, url: server.url });
    }
    const sender = scene.crew();
    await crew.connected();
    for (let index = 0; index < 10; index += 1) {
      const dests = nodes.filter((_node, at) => at % 10 === index);
      await sender.send({ kind: 'sdk', src: `writer-${index + 1}`, dests, perSecond: 10, url: server.directUrl });
    }
    await sender.connected();
    const senders = 10;
    for (const each of [healthy.crew, sender]) await each.tell({ do: 'go' });
    await pause(2_000);
    scene.fault('black hole');
    const began = now();
    proxy.blackHole();
    const bound = short ? 8 : 40;
    const gone = async (): Promise<boolean> => (await server.connections()) <= before + senders;
    await within((bound + 20) * 1_000, gone, 250);
    report.atMost('all unregistered after', (now() - began) / 1_000, bound, 's');
    scene.write({
      what: 'measured',
      name: 'connections',
      baseline: before + senders,
      value: await server.connections(),
      allowed: 0,
    });
    scene.write({
      what: 'measured',
      name: 'file descriptors',
      baseline: files + senders,
      value: server.openFiles,
      allowed: 8,
    });
    report.note(`file descriptors ${files} → ${server.openFiles} with ${senders} senders more`);
    scene.fault('heal and reset');
    proxy.heal();
    proxy.reset();
    await pause(3_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(server, [...nodes, ...healthy.nodes]));
    const { counts } = await scene.judge();
    report.count(CLIENTS, 'half-open');
    report.count(counts['confirmed'] ?? 0, 'confirmed');
  },
};
