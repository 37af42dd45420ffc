import { of, readJournals } from '../checker/index.js';
import { Cluster } from '../harness/cluster.js';
import { now } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { SERVERS } from './f01-kill-of-three.js';

const NODE = 'hot';
const SENDERS_EACH = 5;
const SETTINGS = { RATE_PER_SECOND: '0', INBOX_MAX_MESSAGES: '1000000', INBOX_MAX_BYTES: String(1024 ** 3) };
const MOST_REFUSED = 0.01;
const LEAST_PER_SECOND = 1_000;

export const f26: Row = {
  id: 'F26',
  title: 'three server nodes write to one inbox',
  families: FAMILIES,
  short: false,
  async run(scene) {
    const { report, short, store } = scene;
    const perSecond = short ? 6 : 100;
    const cluster = await Cluster.start(scene, SERVERS, SETTINGS);
    const [reading, sending] = [scene.crew(), scene.crew()];
    for (const [at, { url }] of cluster.servers.entries()) {
      await reading.read({ kind: 'raw', reader: `${NODE}/${at + 1}`, node: NODE, url });
      for (let one = 1; one <= SENDERS_EACH; one += 1) {
        await sending.send({ kind: 'raw', src: `s${at + 1}-${one}`, dests: [NODE], perSecond, url });
      }
    }
    await Promise.all([reading.connected(), sending.connected()]);
    await sending.tell({ do: 'go' });
    await pause(2_000);
    const [before, began] = [(await scene.states()).confirmed, now()];
    await pause(short ? 10_000 : 30_000);
    const rate = ((await scene.states()).confirmed - before) / ((now() - began) / 1_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, [NODE]));
    const { counts } = await scene.judge();
    const [confirmed, refusals] = [counts['confirmed'] ?? 0, of(readJournals(scene.journals), 'refused')];
    report.count(confirmed, `confirmed, ${perSecond * SENDERS_EACH} offered a second at each`);
    report.exactly('final refusals', refusals.filter(({ retryAfterMs }) => retryAfterMs === undefined).length, 0);
    const share = refusals.length / (confirmed + refusals.length);
    const told = `${(share * 100).toFixed(2)} % refused for now`;
    report.note(`${told}, ${rate.toFixed(0)}/s`);
    // What a shared machine makes of it in the short form says nothing.
    if (short) return;
    report.holdsThat(`${told}: at most ${MOST_REFUSED * 100} %`, share <= MOST_REFUSED);
    if (store.family === 'embedded') report.atLeast('rate', rate, LEAST_PER_SECOND, '/s');
  },
};
