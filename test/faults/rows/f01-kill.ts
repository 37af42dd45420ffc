import { of, type Of, readJournals } from '../checker/index.js';
import type { Crew } from '../harness/crew.js';
import type { Random } from '../harness/random.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { manSession } from './session-traffic.js';

interface Kill {
  readonly upMs: number;
  readonly downMs: number;
}

const RECEIVERS = 6;
const SDK_SENDERS = 12;
const RAW_SENDERS = 8;
/** How much less is said in a session: each of its messages goes to all others. */
const SPEAKING = 0.25;
const BACK_MS = 10_000;
/** A lost hint costs one poll of 5 s ± 1 s, and a machine that is shared with others a little more. */
export const LATE_MS = 10_000;
/** More kills in a row than the library's delays are made for. */
const BACK = { maxMs: 4_000 };

export function killsOf(random: Random, count: number): Kill[] {
  return Array.from({ length: count }, () => ({ upMs: random.int(4_000, 6_000), downMs: random.int(1_000, 3_000) }));
}

/** The inboxes that are written to. */
export const RECEIVING: readonly string[] = Array.from(
  { length: RECEIVERS },
  (_none, index) => `receiver-${index + 1}`,
);

/** Two crews: readers on the library and bare ones of the same inboxes; senders of both kinds, some to a session. */
export async function manClients(
  scene: Scene,
  server: ServerNode,
  perSecond: number,
  url: string = server.url,
): Promise<Crew[]> {
  const [reading, sending] = [scene.crew(), scene.crew()];
  for (const node of RECEIVING) {
    await reading.read({ kind: 'sdk', reader: `${node}/sdk`, node, url, back: BACK });
    await reading.read({ kind: 'raw', reader: `${node}/raw`, node, url });
  }
  for (let index = 0; index < SDK_SENDERS; index += 1) {
    const dests = RECEIVING.map((_none, at) => RECEIVING[(at + index) % RECEIVERS] as string);
    await sending.send({ kind: 'sdk', src: `sdk-${index + 1}`, dests, perSecond, url, back: BACK });
  }
  for (let index = 0; index < RAW_SENDERS; index += 1) {
    const dests = [RECEIVING[index % RECEIVERS] as string];
    await sending.send({ kind: 'raw', src: `raw-${index + 1}`, dests, perSecond, url });
  }
  await manSession(scene, sending, server, RECEIVING, { perSecond: perSecond * SPEAKING, back: BACK }, url);
  return [reading, sending];
}

/** How long after each return of the server the last client that its end had cut off was back, ms. */
export function backTimes(scene: Scene): number[] {
  const journal = readJournals(scene.journals);
  const faults = of(journal, 'fault').filter(({ text }) => text === 'kill -9' || text === 'ready');
  const back = of(journal, 'connected');
  const clients = new Set(back.map(({ client }) => client));
  return faults.flatMap(({ text, at: readyAt = 0 }, index) => {
    if (text !== 'ready') return [];
    const killedAt = faults[index - 1]?.at ?? 0;
    return [Math.max(...[...clients].map((client) => firstBack(back, client, killedAt) - readyAt))];
  });
}

/** The server may have let a client in a moment before its ready line was read. */
function firstBack(back: readonly Of<'connected'>[], client: string, killedAt: number): number {
  return back.find((entry) => entry.client === client && (entry.at ?? 0) >= killedAt)?.at ?? Infinity;
}

export const f1: Row = {
  id: 'F1',
  title: 'kill -9 of a server under load',
  families: FAMILIES,
  // On MongoDB the short form has F1.3.
  short: ['embedded'],
  async run(scene) {
    const { report } = scene;
    const kills = killsOf(scene.random, scene.short ? 4 : 20);
    report.schedule.push(...kills.map(({ upMs, downMs }) => `up ${upMs} ms, down ${downMs} ms`));
    const server = await scene.server();
    const crews = await manClients(scene, server, scene.short ? 40 : 80);
    await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
    for (const { upMs, downMs } of kills) {
      await pause(upMs);
      scene.fault('kill -9');
      await server.kill('SIGKILL');
      await pause(downMs);
      await server.start();
      scene.fault('ready');
    }
    const least = scene.short ? 1_000 : 100_000;
    while ((await scene.states()).confirmed < least && server.exit === undefined) await pause(500);
    await pause(2_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(server, RECEIVING));
    const { counts } = await scene.judge(LATE_MS);
    report.counts.push(`${counts['confirmed']?.toLocaleString('en')} confirmed, ${kills.length} kills`);
    report.atLeast('confirmed', counts['confirmed'] ?? 0, least);
    report.latency('last client back after', Math.max(...backTimes(scene)), BACK_MS, scene.short);
  },
};
