import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Decoded, frameAt, type FuzzWorld, strangerBytesAt } from '../../support/fuzzer.js';
import {
  FUZZED_FRAME_BYTES,
  FUZZED_LIMITS,
  FUZZED_NODES,
  FUZZED_SETTINGS,
  FuzzLane,
  inTurns,
  strangersCall,
} from '../../support/fuzzing.js';
import { MIB, ownBytes } from '../harness/measure.js';
import { ROOT } from '../harness/places.js';
import type { Row } from '../harness/row.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { type Watched, watched, watchSees, WATCHING } from '../harness/watched.js';

const LANES = 8;
/** So many frames at least come before memory is looked at: a server that saw fewer has yet to compile its code. */
const LEAST_WARM = 2_500;
/** To each request before authentication. */
const FRAMES_A_STRANGER = 5;
const SETTLE_MS = 5_000;
/** Fewer different ones, and the fuzzer no longer gets anywhere. */
const FEWEST_OUTCOMES = 12;

type Part = readonly [from: number, to: number];

/** The server is a process of its own: what it keeps, how long it is held up and how it ends is not the fuzzer's. */
export const f31: Row = {
  id: 'F31',
  title: 'fuzz',
  families: FAMILIES,
  short: ['embedded'],
  async run({ folder, report, random, short, server: start }) {
    const frames = short ? 5_000 : 100_000;
    const warmFrames = Math.max(LEAST_WARM, frames / 20);
    const [strangers, warmStrangers] = [frames / FRAMES_A_STRANGER, warmFrames / FRAMES_A_STRANGER];
    report.holdsThat('a process that does wrong is seen through', await watchSees(join(folder, 'wrong.log')));
    const server = await start({ ...FUZZED_SETTINGS, ...WATCHING });
    for (const node of FUZZED_NODES) await server.call(node, '/v1/inbox');
    await watched(server);
    const fuzz = new Fuzz(server, random.seed, await theWorld());
    const warm = await fuzz.run([0, warmFrames], [0, warmStrangers]);
    const baseline = await restingBytes(server);
    const seen = await fuzz.run([warmFrames, frames], [warmStrangers, strangers]);
    const grown = ((await restingBytes(server)) - baseline) / MIB;
    const last = await watched(server);
    report.count(sum(fuzz.outcomes), 'frames after authentication');
    report.count(sum(fuzz.statuses), 'requests before');
    report.exactly('frames that led to what they have to', sum(fuzz.outcomes), frames);
    report.exactly('requests that ended', sum(fuzz.statuses), strangers);
    report.atLeast('different outcomes', fuzz.outcomes.size, FEWEST_OUTCOMES);
    report.atMost('memory growth of the server', grown, 30, 'MiB');
    // A process that does nothing was seen to be held up for 90 ms by its neighbours on two cores, and for 26 ms by
    // none that the kernel knows of: only what the thread really did can be told from that.
    report.atMost('its loop was busy in one go', Math.max(warm.busyMs, seen.busyMs), 50, 'ms');
    report.note(`${Math.max(warm.longestMs, seen.longestMs).toFixed(1)} ms with what the machine did for others`);
    report.exactly('unhandled rejections', last.rejections, 0);
    report.holdsThat(`no prototype is polluted: ${last.polluted.join()}`, last.polluted.length === 0);
    report.holdsThat('the server lives', server.exit === undefined && (await server.ready(1_000)));
    report.exactly('exit code', (await server.kill('SIGTERM')).code ?? NaN, 0);
  },
};

class Fuzz {
  readonly outcomes = new Map<string, number>();
  readonly statuses = new Map<string, number>();
  private readonly authorization: string;

  constructor(
    private readonly server: ServerNode,
    private readonly seed: number,
    private readonly world: FuzzWorld,
  ) {
    this.authorization = `Bearer ${server.key('fuzz')}`;
  }

  /** These frames behind an authentication and these requests before one; what was seen of the server meanwhile. */
  async run(frames: Part, strangers: Part): Promise<Watched> {
    await this.frames(frames);
    await this.strangers(strangers);
    return watched(this.server);
  }

  private async frames([from, to]: Part): Promise<void> {
    const lanes = Array.from({ length: LANES }, () => new FuzzLane(this.server.directPort, this.authorization));
    await inTurns(to - from, LANES, async (at, lane) => {
      const frame = frameAt(this.seed, from + at, this.world);
      count(this.outcomes, await lanes[lane]!.send(frame, `frame ${from + at}, ${frame.shown}`));
    });
    for (const lane of lanes) lane.close();
  }

  private async strangers([from, to]: Part): Promise<void> {
    const bytesAt = (at: number): Buffer => strangerBytesAt(this.seed, from + at, this.authorization);
    const tally = await strangersCall(this.server.directPort, to - from, bytesAt);
    for (const [status, times] of tally) count(this.statuses, String(status), times);
  }
}

/** Memory once its garbage is collected and what closed is let go, alike at both ends. */
async function restingBytes(server: ServerNode): Promise<number> {
  await pause(SETTLE_MS);
  await watched(server);
  await pause(SETTLE_MS);
  return ownBytes(server.pid);
}

function count(tally: Map<string, number>, name: string, times: number = 1): void {
  tally.set(name, (tally.get(name) ?? 0) + times);
}

function sum(tally: ReadonlyMap<string, number>): number {
  return [...tally.values()].reduce((all, times) => all + times, 0);
}

/** What is valid the server's own decoder says: its compiled form, as the server runs it. */
async function theWorld(): Promise<FuzzWorld> {
  interface Protocol {
    readonly decodeFrame: (text: string, limits: typeof FUZZED_LIMITS) => Decoded;
  }
  const { decodeFrame } = (await import(pathToFileURL(`${ROOT}dist/protocol/index.js`).href)) as Protocol;
  const decode = (text: string): Decoded => decodeFrame(text, FUZZED_LIMITS);
  return { nodes: FUZZED_NODES, decode, maxFrameBytes: FUZZED_FRAME_BYTES };
}
