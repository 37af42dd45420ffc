import { randomInt } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admission, NativeConnections } from '../../src/gateways/native/index.js';
import { ConnectionsService } from '../../src/modules/connections/index.js';
import { decodeFrame } from '../../src/protocol/index.js';
import { frameAt, type FuzzFrame, type FuzzWorld, strangerBytesAt } from '../support/fuzzer.js';
import { type HttpResponse, RawSocket } from '../support/raw-socket.js';
import { TestServer } from '../support/test-server.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
const COUNT = Number(process.env['FUZZ_COUNT'] ?? 5_000);
const STRANGERS = Math.ceil(COUNT / 5);
const WORKERS = 8;
const STRANGERS_AT_ONCE = 25;
/** A frame that takes longer is felt by everybody else. */
const MAX_BLOCK_MS = 50;
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** Answers of probes without the answer of the frame before them: then it was ignored. */
const MOST_PROBES = 10_000;
const FEWEST_OUTCOMES = 12;
const MINUTES = 60_000;
const PATIENCE = { timeout: (2 + COUNT / 5_000) * MINUTES };

/** One address, few nodes, and faster than anybody may be; presence would add frames that answer nothing. */
const SETTINGS = {
  HANDSHAKES_PER_SECOND: '0',
  CONNECTIONS_PER_ADDRESS: '0',
  CONNECTIONS_PER_NODE: '0',
  AUTH_FAILURES_PER_SECOND: '0',
  RATE_PER_SECOND: '0',
  INBOX_MAX_MESSAGES: '1000000',
  PRESENCE: 'none',
};
const WORLD: FuzzWorld = {
  nodes: ['sink-1', 'sink-2', 'sink-3'],
  limits: { maxDepth: 32, maxKeys: 64, maxPageRows: 1_000 },
  maxFrameBytes: 64 * 1024,
};

let server: TestServer;
let authorization: string;
const processErrors: unknown[] = [];
const note = (error: unknown): void => void processErrors.push(error);

beforeAll(async () => {
  console.log(`FUZZ_SEED=${SEED} FUZZ_COUNT=${COUNT}`);
  process.on('unhandledRejection', note);
  process.on('uncaughtExceptionMonitor', note);
  server = await TestServer.start(SETTINGS);
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

/** One connection that sends frame after frame and knows what each led to. */
class Worker {
  private socket: RawSocket | undefined;
  private probes = 0;

  constructor(private readonly tally: Map<string, number>) {}

  async send(frame: FuzzFrame, name: string): Promise<void> {
    const socket = (this.socket ??= await this.open());
    await socket.write(frame.wire);
    if (typeof frame.outcome === 'object') {
      expect((await socket.closed()).code, name).toBe(frame.outcome.closes);
      this.count(`closed ${frame.outcome.closes}`);
      return this.close();
    }
    const answers = await this.answers(socket, frame.outcome === 'answer', name);
    expect(answers.length, `${name}\nanswers: ${JSON.stringify(answers)}`).toBe(frame.outcome === 'answer' ? 1 : 0);
    this.count(answers[0] ? String(answers[0]['code'] ?? answers[0]['status'] ?? answers[0]['type']) : 'silence');
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private async open(): Promise<RawSocket> {
    const { socket, response } = await RawSocket.upgrade(port(), '/connect', { authorization });
    expect(response.status).toBe(101);
    expect(await socket.nextJson()).toMatchObject({ type: -110 });
    return socket;
  }

  /** What comes before the answer of a probe. A commit or a read may take longer: then more probes are sent. */
  private async answers(socket: RawSocket, one: boolean, name: string): Promise<Array<Record<string, unknown>>> {
    const found: Array<Record<string, unknown>> = [];
    for (let tries = 0; tries < MOST_PROBES; tries += 1) {
      const probe = `probe-${(this.probes += 1)}`;
      await socket.json({ type: -120, id: probe });
      const next = (): Promise<Record<string, unknown>> =>
        socket.nextJson().catch((error: unknown) => expect.fail(`${name}\n${String(error)}`));
      for (let frame = await next(); frame['id'] !== probe; frame = await next()) found.push(frame);
      if (!one || found.length > 0) return found;
    }
    return found;
  }

  private count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

async function inTurns(
  count: number,
  width: number,
  each: (index: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: width }, async (_none, lane) => {
    while (next < count) {
      const index = next;
      next += 1;
      await each(index, lane);
    }
  });
  await Promise.all(lanes);
}

describe(`with seed ${SEED}`, () => {
  it(`${COUNT} frames after authentication get an answer or the right close each`, PATIENCE, async () => {
    const tally = new Map<string, number>();
    const workers = Array.from({ length: WORKERS }, () => new Worker(tally));
    const before = { heap: heapAfterCollection(), rss: process.memoryUsage().rss };
    await inTurns(COUNT, WORKERS, async (index, lane) => {
      const frame = frameAt(SEED, index, WORLD);
      await (workers[lane] as Worker).send(frame, `FUZZ_SEED=${SEED}, frame ${index}, ${frame.shown}`);
    });
    for (const worker of workers) worker.close();
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
    const tally = new Map<number, number>();
    for (let first = 0; first < STRANGERS; first += STRANGERS_AT_ONCE) {
      const count = Math.min(STRANGERS_AT_ONCE, STRANGERS - first);
      const sockets = await Promise.all(Array.from({ length: count }, () => RawSocket.open(port())));
      await Promise.all(sockets.map((socket, at) => socket.write(strangerBytesAt(SEED, first + at, authorization))));
      // A whole call of somebody else: by then the server has read what the strangers wrote.
      expect((await fetch(`${server.url}/livez`)).status).toBe(200);
      for (const [at, socket] of sockets.entries()) {
        socket.socket.end();
        const response = await finalResponse(socket);
        if (response) expectWellFormed(response, `FUZZ_SEED=${SEED}, stranger ${first + at}`);
        tally.set(response?.status ?? 0, (tally.get(response?.status ?? 0) ?? 0) + 1);
        await socket.ended();
        socket.destroy();
      }
    }
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

/** `undefined`: the connection ended without one. */
async function finalResponse(socket: RawSocket): Promise<HttpResponse | undefined> {
  const response = await socket.response().catch(() => undefined);
  return response?.status === 100 ? finalResponse(socket) : response;
}

function expectWellFormed({ status, headers, body }: HttpResponse, name: string): void {
  expect(status, name).toSatisfy((is: number) => is === 101 || (is >= 200 && is < 500) || is === 503);
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return;
  // Without a length, which HTTP/1.0 is not given, the end of the connection ends the body: it was not read.
  if (!headers.has('content-length')) return;
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(problem, name).toMatchObject({ status, code: expect.any(String), request_id: expect.any(String) });
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
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(WORLD.maxFrameBytes);
  // The quickest of some runs: what else the machine does must not count.
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    try {
      decodeFrame(text, WORLD.limits);
    } catch {
      // Refused or not: only the time counts.
    }
    return performance.now() - began;
  });
  expect(Math.min(...times)).toBeLessThan(MAX_BLOCK_MS);
});
