import { Doings } from '../anonymity/doings.js';
import { Masquerade } from '../anonymity/masquerade.js';
import { SessionsOfMasks } from '../anonymity/sessions-of-masks.js';
import { taintsIn } from '../anonymity/taint.js';
import type { Ear, Party } from '../harness/party.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';

/** Everybody is told of everybody who is offline, and seats are full at once. */
const SETTINGS = {
  RATE_PER_SECOND: '0',
  HTTP_RATE_PER_SECOND: '0',
  PRESENCE: 'all',
  SEAT_MAX_MESSAGES: '40',
  AUTH_FAILURES_PER_SECOND: '0',
};
const SHOWN = 5;

export const f39 = rowOf('F39', 'anonymity: taint', 1);
export const f39ofThree = rowOf('F39.3', 'anonymity: taint, at three server nodes', 3);

function rowOf(id: string, title: string, count: number): Row {
  return { id, title, families: FAMILIES, short: count === 1, run: (scene) => run(scene, count) };
}

async function run(scene: Scene, count: number): Promise<void> {
  const { report, short, random } = scene;
  const masks = await Masquerade.at(scene, count, SETTINGS);
  const sessions = new SessionsOfMasks(masks);
  const ears = new Map<Party, Ear>();
  for (const party of masks.parties) ears.set(party, (await party.open())!);
  await sessions.make();
  const doings = new Doings(masks, sessions, random);
  const most = short ? 1_000 : 10_000;
  let done = 0;
  const live = async (party: Party, doOne: (ear: Ear) => Promise<void>): Promise<void> => {
    for (; done < most; done += 1) await doOne(await earOf(party));
  };
  const earOf = async (party: Party): Promise<Ear> => {
    const last = party.ears.at(-1);
    const ear = last?.closed ? await party.open() : last;
    return ear ?? (await pause(50), earOf(party));
  };
  await Promise.all([
    ...masks.hidden.map((who) => live(who.party, (ear) => doings.ofHidden(who, ear))),
    ...masks.others.map((who) => live(who.party, (ear) => doings.ofOther(who, ear))),
  ]);
  // What is on its way still may name somebody too.
  await pause(2_000);
  for (const party of masks.parties) await party.call('GET', '/v1/inbox?limit=1000');
  await masks.app.party.call('GET', '/metrics');
  for (const { name } of masks.hidden) await masks.app.party.call('GET', `/v1/nodes/${name}`);
  tell(report, masks, sessions, done);
  for (const party of masks.parties) party.close();
}

function tell(report: Report, masks: Masquerade, sessions: SessionsOfMasks, done: number): void {
  const told = masks.told();
  const canaries = masks.canaries();
  const taints = taintsIn(told, canaries);
  const texts = [...told.values()].flat();
  report.count(done, 'doings');
  report.count(canaries.length, 'canaries');
  report.count(texts.length, 'texts');
  report.count(Math.round(texts.reduce((sum, { length }) => sum + length, 0) / 1e6), 'MB');
  report.count(
    [...sessions.aliases.values()].reduce((sum, { size }) => sum + size, 0),
    'aliases seen',
  );
  report.exactly('taints', taints.length, 0);
  for (const { kind, party, where } of taints.slice(0, SHOWN))
    report.shortcomings.push(`${kind} with ${party}: ${where}`);
  report.holdsThat('no alias stands in two sessions', sessions.reused() === undefined);
  report.holdsThat('hidden ones and backends are told what is theirs', areTheirs(masks, told));
  report.holdsThat('a planted canary is found', taintsIn(planted(masks, told), canaries).length > taints.length);
}

/** Or the search would find nothing anywhere. */
function areTheirs({ hidden, app }: Masquerade, told: ReadonlyMap<string, readonly string[]>): boolean {
  const backend = (told.get(app.party.node) ?? []).join('\n');
  return hidden.every(({ name, party }) => backend.includes(name) && party.texts.some((text) => text.includes(name)));
}

function planted(masks: Masquerade, told: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const { node, texts } = masks.stranger.party;
  return new Map([...told, [node, [...texts, `{"src_id":"${masks.hidden[0]!.name}"}`]]]);
}
