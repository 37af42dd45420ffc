import { randomInt } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admission, NativeConnections } from '../../src/gateways/native/index.js';
import { ConnectionsService } from '../../src/modules/connections/index.js';
import { decodeFrame } from '../../src/protocol/index.js';
import { frameAt, type FuzzWorld, strangerBytesAt } from '../support/fuzzer.js';
import {
  FUZZED_FRAME_BYTES,
  FUZZED_LIMITS,
  FUZZED_NODES,
  FUZZED_SETTINGS,
  FuzzLane,
  inTurns,
  strangersCall,
} from '../support/fuzzing.js';
import { TestServer } from '../support/test-server.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
const COUNT = Number(process.env['FUZZ_COUNT'] ?? 5_000);
const STRANGERS = Math.ceil(COUNT / 5);
const LANES = 8;
/** A frame that takes longer is felt by everybody else. */
const MAX_BLOCK_MS = 50;
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
const FEWEST_OUTCOMES = 12;
const MINUTES = 60_000;
const PATIENCE = { timeout: (2 + COUNT / 5_000) * MINUTES };

const WORLD: FuzzWorld = {
  nodes: FUZZED_NODES,
  decode: (text) => decodeFrame(text, FUZZED_LIMITS),
  maxFrameBytes: FUZZED_FRAME_BYTES,
};

let server: TestServer;
let authorization: string;
const processErrors: unknown[] = [];
const note = (error: unknown): void => void processErrors.push(error);

beforeAll(async () => {
  console.log(`FUZZ_SEED=${SEED} FUZZ_COUNT=${COUNT}`);
  process.on('unhandledRejection', note);
  process.on('uncaughtExceptionMonitor', note);
  server = await TestServer.start(FUZZED_SETTINGS);
  authorization = `Bearer ${await server.key('fuzz')}`;
  for (const node of WORLD.nodes) await server.call(node, '/v1/inbox');
});

afterAll(async () => {
  await server.stop();
  process.off('unhandledRejection', note);
  process.off('uncaughtExceptionMonitor', note);
});

function port(): number {
  return Number(new URL(server.url).port);
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe(`with seed ${SEED}`, () => {
  it(`${COUNT} frames after authentication get an answer or the right close each`, PATIENCE, async () => {
    const tally = new Map<string, number>();
    const lanes = Array.from({ length: LANES }, () => new FuzzLane(port(), authorization));
    const before = { heap: heapAfterCollection(), rss: process.memoryUsage().rss };
    await inTurns(COUNT, LANES, async (index, at) => {
      const frame = frameAt(SEED, index, WORLD);
      const ledTo = await lanes[at]!.send(frame, `FUZZ_SEED=${SEED}, frame ${index}, ${frame.shown}`);
      tally.set(ledTo, (tally.get(ledTo) ?? 0) + 1);
    });
    for (const lane of lanes) lane.close();
    const growth = heapAfterCollection() - before.heap;
    const rss = process.memoryUsage().rss - before.rss;
    console.log(`heap +${mib(growth)}, RSS +${mib(rss)};`, Object.fromEntries(tally));
    expect([...tally.values()].reduce((sum, count) => sum + count, 0)).toBe(COUNT);
    if (COUNT >= 1_000) expect(tally.size, 'different outcomes').toBeGreaterThanOrEqual(FEWEST_OUTCOMES);
    // Nothing is wrong with the store, so nobody may be told to come back.
    expect(tally.get('retry_later')).toBeUndefined();
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  });

  it(`${STRANGERS} requests of strangers end, and what is answered is well-formed`, PATIENCE, async () => {
    const tally = await strangersCall(port(), STRANGERS, (index) => strangerBytesAt(SEED, index, authorization));
    console.log('status (0: closed without a word):', Object.fromEntries(tally));
    expect([...tally.values()].reduce((sum, count) => sum + count, 0)).toBe(STRANGERS);
  });

  it('afterwards the server works, is clean, and holds no connection', async () => {
    const { app } = server.running;
    await app.get(NativeConnections, { strict: false }).empty();
    await until(() => app.get(ConnectionsService, { strict: false }).size === 0);
    await until(() => app.get(Admission, { strict: false }).held.sockets === 0);
    expect(app.get(Admission, { strict: false }).held).toEqual({ sockets: 0, addresses: 0, pending: 0 });
    const client = server.client('fuzz');
    await client.connect();
    expect(await client.send({ destId: 'sink-1', payload: 'after all' })).toMatchObject({ status: 'stored' });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(processErrors).toEqual([]);
  });
});

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** What a parser could stumble over, each close to the biggest frame that is let in. */
const WORST: Readonly<Record<string, string>> = {
  'nested arrays': '['.repeat(32_000) + ']'.repeat(32_000),
  'nested objects without an end': '{"a":'.repeat(13_000),
  'one long key': `{"${'k'.repeat(65_000)}":1}`,
  'one long key of escapes': `{"${'\\u0041'.repeat(10_900)}":1}`,
  'one long string of escaped quotes': `{"payload":"${'\\"'.repeat(32_700)}"}`,
  'one long string of backslashes': `{"payload":"${'\\\\'.repeat(32_700)}"}`,
  'backslashes that escape the last quote': `{"payload":"${'\\'.repeat(65_001)}"}`,
  'many keys': `{${Array.from({ length: 6_000 }, (_none, n) => `"${n}":1`).join()}}`,
  'one key again and again': `{${'"a":1,'.repeat(10_900)}"a":1}`,
  'many empty strings': `{"payload":[${'"",'.repeat(21_000)}""]}`,
  'many pairs of brackets': `{"payload":[${'[],'.repeat(21_000)}[]]}`,
  'a number of 65,000 digits': `{"type":${'9'.repeat(65_000)}}`,
  'a fraction of 65,000 digits': `{"type":0.${'3'.repeat(65_000)}}`,
  'white space only': ' '.repeat(65_536),
  'white space inside': `{"dest_id"${' '.repeat(65_000)}:"a"}`,
  'an id of 65,000 characters': `{"dest_id":"${'a'.repeat(65_000)}"}`,
  'quotes only': '"'.repeat(65_536),
};

it.each(Object.entries(WORST))('no frame holds up the others while it is decoded: %s', (_what, text) => {
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(FUZZED_FRAME_BYTES);
  // The quickest of some runs: what else the machine does must not count.
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    try {
      decodeFrame(text, FUZZED_LIMITS);
    } catch {
      // Refused or not: only the time counts.
    }
    return performance.now() - began;
  });
  expect(Math.min(...times)).toBeLessThan(MAX_BLOCK_MS);
});
