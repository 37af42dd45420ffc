import { now } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { dialUnread } from '../harness/unread.js';
import { pause } from '../harness/wait.js';
import { settleNeighbours } from './neighbours.js';

const LONGEST_S = 25;
const PAIRS = 20;

export const f19: Row = {
  id: 'F19',
  title: 'SIGTERM twice, and beside a stuck client',
  families: FAMILIES,
  short: false,
  async run(scene) {
    await leave(scene);
  },
};

async function leave(scene: Scene): Promise<void> {
  const { report } = scene;
  const server = await scene.server();
  const { crew, nodes } = await settleNeighbours(scene, server.url, PAIRS, 10);
  const stuck = await dialUnread(server, 'stuck');
  const writing = scene.crew();
  const big = { perSecond: 32, bytes: 32 * 1_024, url: server.url };
  await writing.send({ kind: 'raw', src: 'writer', dests: ['stuck'], ...big });
  await writing.connected();
  for (const each of [crew, writing]) await each.tell({ do: 'go' });
  await pause(3_000);
  scene.fault('SIGTERM, and again');
  const began = now();
  const exited = server.kill('SIGTERM');
  await pause(500);
  void server.kill('SIGTERM');
  const { code, signal } = await exited;
  report.atMost('gone after', (now() - began) / 1_000, LONGEST_S, 's');
  report.holdsThat(`exit code 0, it was ${code ?? signal}`, code === 0);
  report.exactly('drains', server.said().split('going away').length - 1, 1);
  stuck.destroy();
  await server.start();
  await pause(1_000);
  report.holdsThat('all at rest within 60 s', await scene.rest(server, [...nodes, 'stuck']));
  const { counts } = await scene.judge();
  report.count(counts['confirmed'] ?? 0, 'confirmed');
}
