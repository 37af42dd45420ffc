import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SystemClock } from '../../src/common/clock.js';
import { StallGuard } from '../../src/common/stall-guard.js';
import { AppendLoop } from '../../src/modules/inbox/append-loop.js';
import {
  type AppendOutcome,
  type AppendRules,
  type InboxLog,
  type MessageDraft,
  StoreUnavailable,
} from '../../src/modules/inbox/index.js';
import type { InboxLogHarness } from '../../src/modules/inbox/testing/index.js';

const LOGS = ['n:a', 'n:b'];
const MESSAGES = 8;
const CLIENTS = 4;

interface Weather {
  /** One of so many inserts fails before it is made, and one loses its answer; 0: none. */
  readonly oneIn: number;
  readonly seed: number;
}

/** What the runs met: a property that met nothing has shown nothing. */
interface Met {
  conflicts: number;
  lostAnswers: number;
}

/** A real log behind a scheduler that decides who goes on, and a network that loses what it is asked or what comes back. */
function inWeather(log: InboxLog, scheduler: fc.Scheduler, { oneIn, seed }: Weather, met: Met): InboxLog {
  let calls = seed % 97;
  const insert: InboxLog['insert'] = async (rows) => {
    calls += 1;
    await scheduler.schedule(Promise.resolve(), 'asked');
    if (oneIn > 0 && calls % oneIn === 0) throw new StoreUnavailable('the question was lost');
    const outcome = await log.insert(rows);
    if (outcome.stoppedBy === 'n') met.conflicts += 1;
    await scheduler.schedule(Promise.resolve(), 'answered');
    if (oneIn === 0 || calls % oneIn !== 1) return outcome;
    met.lostAnswers += 1;
    throw new StoreUnavailable('the answer was lost');
  };
  return new Proxy(log, {
    get(target, name) {
      if (name === 'insert') return insert;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function loopOver(log: InboxLog, guard: StallGuard): AppendLoop<MessageDraft> {
  const rules: AppendRules<MessageDraft> = {
    first: () => Promise.resolve(undefined),
    ready: () => Promise.resolve(),
    admit: (_, { body, bytes }) => ({ kind: 'row', body, counts: { count: 1, bytes } }),
    appended: () => undefined,
  };
  return new AppendLoop(log, rules, new SystemClock(), guard, { tailTrustMs: 30_000, deadlineMs: 5_000 });
}

function draft(key: string): MessageDraft {
  const body = `{"key":"${key}"}`;
  return { kind: 'message', key, digest: key, body, bytes: body.length, report: false, makesKnown: false };
}

/** Sends its messages to one log, each until it is confirmed, each time by another process. */
async function client(name: string, log: string, loops: ReadonlyArray<AppendLoop<MessageDraft>>): Promise<string[]> {
  const statuses: string[] = [];
  for (let index = 0, tries = 0; index < MESSAGES; tries += 1) {
    const loop = loops[tries % loops.length] as AppendLoop<MessageDraft>;
    const outcome = await new Promise<AppendOutcome>((settle) => loop.append(log, draft(`m ${name} ${index}`), settle));
    if (outcome.kind === 'refused') continue;
    statuses.push(outcome.kind);
    index += 1;
  }
  return statuses;
}

async function judge(log: InboxLog): Promise<number> {
  let all = 0;
  for (const name of LOGS) {
    const range = { after: 0, before: Number.MAX_SAFE_INTEGER, limit: 1_000, maxBytes: 1_000_000 };
    const rows = await log.read(name, range);
    expect(rows.map(({ n }) => n)).toEqual(rows.map((_, index) => index + 1));
    expect(rows.map(({ totals }) => totals.count)).toEqual(rows.map((_, index) => index + 1));
    for (let index = 0; index < CLIENTS; index += 1) {
      const mine = rows.map(({ key }) => key).filter((key) => key.startsWith(`m c${index} `));
      if (mine.length === 0) continue;
      expect(mine).toEqual(Array.from({ length: MESSAGES }, (_, number) => `m c${index} ${number}`));
    }
    all += rows.length;
  }
  return all;
}

/** One of so many inserts in each weather: fair, bad and worse, each its share of the runs and not by chance. */
const WEATHERS = [0, 5, 3];

/** The append algorithm over a real store: several processes, any interleaving, lost questions and lost answers. */
export function appendOverPort(name: string, open: InboxLogHarness, runsAWeather: number): void {
  it(
    `${name}: each message is in its log once, numbered without a hole and in its sender's order`,
    { timeout: 120_000 },
    async () => {
      const met: Met = { conflicts: 0, lostAnswers: 0 };
      const run = async (scheduler: fc.Scheduler, weather: Weather): Promise<void> => {
        const { log, second, close } = await open();
        const guard = new StallGuard(new SystemClock(), 5_000, 30_000);
        try {
          const logs = [log, await second()].map((each) => inWeather(each, scheduler, weather, met));
          const loops = logs.map((each) => loopOver(each, guard));
          const clients = Array.from({ length: CLIENTS }, (_, index) =>
            client(`c${index}`, LOGS[index % 2] as string, index < 2 ? loops : loops.toReversed()),
          );
          const statuses = await scheduler.waitFor(Promise.all(clients));
          expect(statuses.flat()).toHaveLength(CLIENTS * MESSAGES);
          expect(await judge(log)).toBe(CLIENTS * MESSAGES);
        } finally {
          guard.stop();
          await close();
        }
      };
      for (const oneIn of WEATHERS) {
        const weather = fc.record({ oneIn: fc.constant(oneIn), seed: fc.nat() });
        const settings = { numRuns: runsAWeather, endOnFailure: true };
        await fc.assert(fc.asyncProperty(fc.scheduler(), weather, run), settings);
      }
      expect(met.conflicts).toBeGreaterThan(WEATHERS.length * runsAWeather);
      expect(met.lostAnswers).toBeGreaterThan(WEATHERS.length * runsAWeather);
    },
  );
}
