import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { alive, held, type Held, heldSees, HOLDING } from '../harness/held.js';
import { MIB, now, ownBytes } from '../harness/measure.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { lows, median, type Sample, slope } from '../harness/slope.js';
import { FAMILIES, MongoStore } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { Crowd } from './soak-crowd.js';
import { Visitors } from './soak-visitors.js';

/** All come from one address. */
const SETTINGS = { ...HOLDING, LOG_LEVEL: 'warn', CONNECTIONS_PER_ADDRESS: '0' };
/** What is held for longer takes part in the short form too. */
const BRIEFLY = { TAIL_TRUST_MS: '5000' };
const TURNS_PER_SECOND = 5;
const DOINGS_PER_SECOND = 10;
const TEN_MINUTES = 600_000;
/** What a collection freed is given back a little later, from another thread. */
const GIVE_BACK_MS = 500;
const SETTLE_MS = 3_000;
const STRETCH_MS = 120_000;
const SHORT_ALIVE_MIB = 4;
/** Of what each connection of the pool has more than one: 15 of them were seen to bring 47 emitters, 40 promises, 19 timers. */
const OF_A_STORE_CONNECTION: Readonly<Record<string, number>> = { Timeout: 2, EventEmitter: 4, Promise: 3 };
const SPARE = 0.02;
const LEAST_SPARE = 4;
const MOST_LOOKS = 5;
const EASY_LAG_S = 0.05;
/** A tail is believed for 30 s, and looked after every 60 s. */
const FORGET_MS = 150_000;

interface Form {
  readonly clients: number;
  readonly perSecond: number;
  /** All come and go once before anything is taken as the baseline. */
  readonly rehearsalMs: number;
  readonly warmUpMs: number;
  readonly judgedMs: number;
  readonly lookMs: number;
}

const SHORT: Form = {
  clients: 200,
  perSecond: 60,
  rehearsalMs: 5_000,
  warmUpMs: 10_000,
  judgedMs: 20_000,
  lookMs: 4_000,
};

/** The first ten minutes are not judged. */
function full(minutes: number): Form {
  const judgedMs = (minutes - 10) * 60_000;
  return { clients: 1_000, perSecond: 150, rehearsalMs: 30_000, warmUpMs: TEN_MINUTES, judgedMs, lookMs: 15_000 };
}

/** What the server says of itself in /metrics that is a size, and has to be nothing when nobody is there. */
const SIZES = [
  'connections',
  'appends_waiting',
  'logs_held',
  'logs_read',
  'acks_waiting',
  'group_appends_waiting',
  'groups_held',
  'groups_undriven',
  'outbound_bytes',
  'unanswered_frames',
];

export const f29: Row = {
  id: 'F29',
  title: 'soak',
  families: FAMILIES,
  short: ['embedded'],
  async run(scene) {
    const { folder, minutes = 20, report } = scene;
    const form = scene.short ? SHORT : full(minutes);
    report.holdsThat('a process that leaks is seen through', await heldSees(join(folder, 'leaking.log')));
    const server = await scene.server({ ...SETTINGS, ...(scene.short && BRIEFLY) });
    const sizes = await sizesOf(server);
    await new Soak(scene, server, 'rehearsal', form).live(form.rehearsalMs, 0);
    const before = await footprint(scene, server);
    const soak = new Soak(scene, server, 'soak', form);
    await soak.live(form.warmUpMs, form.judgedMs);
    judgeGrowth(report, soak, scene.short);
    report.holdsThat(
      `all that was asked was answered: ${soak.wrongs.slice(0, 3).join('; ')}`,
      soak.wrongs.length === 0,
    );
    const forgotten = await within(FORGET_MS, async () => surplus(sizes, await sizesOf(server)).length === 0, 1_000);
    report.holdsThat(`nothing is left: ${surplus(sizes, await sizesOf(server)).join(', ')}`, forgotten);
    judgeRemains(report, before, await lastFootprint(scene, server, before));
    report.count(soak.turns, 'left and came');
    report.count(soak.done, 'other doings');
    report.note(`${soak.later} of them told to come later`);
    const { counts } = await scene.judge();
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    report.exactly('exit code', (await server.kill('SIGTERM')).code ?? NaN, 0);
  },
};

/** All come, live for a while, and go again. */
class Soak {
  private readonly crowd: Crowd;
  private readonly visitors: Visitors;
  /** Memory at each look of the judged time: anonymous pages, and what is alive in them. */
  readonly resident: Sample[] = [];
  readonly living: Sample[] = [];

  constructor(
    private readonly scene: Scene,
    private readonly server: ServerNode,
    name: string,
    private readonly form: Form,
  ) {
    this.crowd = new Crowd(scene, server, name);
    this.visitors = new Visitors(server, scene.random, name);
  }

  get turns(): number {
    return this.crowd.turns;
  }

  get done(): number {
    return this.visitors.done;
  }

  get later(): number {
    return this.visitors.later;
  }

  get wrongs(): readonly string[] {
    return this.visitors.wrongs;
  }

  async live(warmUpMs: number, judgedMs: number): Promise<void> {
    const { clients, perSecond, lookMs } = this.form;
    await this.visitors.come();
    await this.crowd.gather(clients, perSecond);
    const end = now() + warmUpMs + judgedMs;
    const lives = [
      paced(TURNS_PER_SECOND, end, () => this.crowd.turn()),
      paced(DOINGS_PER_SECOND, end, () => this.visitors.doOne()),
    ];
    await pause(warmUpMs);
    await Promise.all([...lives, ...(judgedMs > 0 ? [paced(1_000 / lookMs, end, () => this.look())] : [])]);
    await this.crowd.stop();
    await this.crowd.allCome();
    const rested = await this.scene.rest(this.server, this.crowd.some());
    this.scene.report.holdsThat('all at rest within 60 s', rested);
    this.visitors.leave();
  }

  private async look(): Promise<void> {
    const told = await alive(this.server);
    await pause(GIVE_BACK_MS);
    const [at, anonymous] = [now(), ownBytes(this.server.pid)];
    this.living.push({ at, value: told.bytes });
    this.resident.push({ at, value: anonymous });
    // For whoever has to find out where it went.
    appendFileSync(join(this.scene.folder, 'memory.jsonl'), `${JSON.stringify({ at, anonymous, ...told })}\n`);
  }
}

/** One thing after the other until then, at this pace at most. */
async function paced(perSecond: number, end: number, doOne: () => Promise<unknown>): Promise<void> {
  const began = now();
  for (let count = 1; now() < end; count += 1) {
    await doOne();
    await pause(Math.max(0, began + (count * 1_000) / perSecond - now()));
  }
}

function judgeGrowth(report: Report, { resident, living }: Soak, short: boolean): void {
  // What malloc keeps of what it freed comes and goes by 8 MiB: the least of every stretch is what is really held.
  for (const [what, samples] of [
    ['memory', lows(resident, STRETCH_MS)],
    ['of it alive', living],
  ] as const) {
    report.note(`${what} ${(median(samples.map(({ value }) => value)) / MIB).toFixed(1)} MiB`);
    if (!short) report.atMost(`${what} grows in 10 min by`, (slope(samples) * TEN_MINUTES) / MIB, 1, 'MiB');
  }
  // Memory as a whole has not found its size in so short a time, and nothing finer can be told from the wobble.
  if (short) report.atMost('alive more than at first', grownBy(living) / MIB, SHORT_ALIVE_MIB, 'MiB');
}

/** From the first third to the last. */
function grownBy(samples: readonly Sample[]): number {
  const values = samples.map(({ value }) => value);
  const third = Math.floor(values.length / 3);
  return median(values.slice(-third)) - median(values.slice(0, third));
}

/** What the server holds while nobody is there, connections to its store left out. */
interface Footprint {
  readonly files: number;
  readonly held: Held;
  readonly toStore: number;
}

/** Of one kind, and what it may be. */
interface Remains {
  readonly what: string;
  readonly was: number;
  readonly is: number;
  readonly most: number;
}

async function footprint({ store }: Scene, server: ServerNode): Promise<Footprint> {
  await pause(SETTLE_MS);
  const files = server.openFiles;
  const toStore = store instanceof MongoStore ? store.proxy.size : 0;
  const holds = await held(server);
  const easy = async (): Promise<boolean> => (await server.metrics()).sum('allspark_loop_lag_seconds') < EASY_LAG_S;
  // The counting held it up, and what lags takes nobody new.
  await within(30_000, easy, 500);
  return { files, toStore, held: holds };
}

/** Looks again while the connection of one who only asked something is still about: what leaks stays. */
async function lastFootprint(scene: Scene, server: ServerNode, before: Footprint): Promise<Footprint> {
  for (let look = 1; ; look += 1) {
    const after = await footprint(scene, server);
    if (look === MOST_LOOKS || remains(before, after).every(({ is, most }) => is <= most)) return after;
  }
}

/** Back at the baseline, two in a hundred more or less; of few, four more. What the pool of the store's driver opened stays. */
function remains(before: Footprint, after: Footprint): Remains[] {
  const more = Math.max(0, after.toStore - before.toStore);
  const compare = (what: string, was: number, is: number): Remains => {
    const spare = more * (OF_A_STORE_CONNECTION[what] ?? 1) + Math.max(LEAST_SPARE, Math.floor(was * SPARE));
    return { what, was, is, most: was + spare };
  };
  return [
    compare('descriptors', before.files, after.files),
    compare('active resources', before.held.resources, after.held.resources),
    ...Object.entries(before.held.objects).map(([kind, was]) => compare(kind, was, after.held.objects[kind] ?? 0)),
  ];
}

function judgeRemains(report: Report, before: Footprint, after: Footprint): void {
  for (const { what, was, is, most } of remains(before, after)) report.atMost(`${what} ${was} →`, is, most);
  report.note(`connections to the store ${before.toStore} → ${after.toStore}`);
}

async function sizesOf(server: ServerNode): Promise<ReadonlyMap<string, number>> {
  const metrics = await server.metrics();
  return new Map(SIZES.map((name) => [name, metrics.sum(`allspark_${name}`)]));
}

function surplus(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  return [...after].filter(([name, size]) => size > (before.get(name) ?? 0)).map(([name, size]) => `${size} ${name}`);
}
