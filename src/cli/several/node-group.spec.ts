import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { createLogger } from '../../common/logging.js';
import { EXIT } from '../exit-codes.js';
import { FakeProcess } from '../testing/fake-process.js';
import type { Child, Ending } from './child.js';
import { NodeGroup } from './node-group.js';

class FakeChild implements Child {
  readonly pid = 1;
  readonly signals: string[] = [];
  readonly ready: Promise<string | undefined>;
  readonly ended: Promise<Ending>;
  private tellReady!: (url: string | undefined) => void;
  private tellEnded!: (ending: Ending) => void;

  constructor(readonly port: number) {
    this.ready = new Promise((resolve) => (this.tellReady = resolve));
    this.ended = new Promise((resolve) => (this.tellEnded = resolve));
  }

  becomeReady(port = this.port): void {
    this.tellReady(`http://localhost:${port}`);
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.tellReady(undefined);
    this.tellEnded({ code, signal });
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.signals.push(signal);
  }
}

const DRAIN_MS = 25_000;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

let self: FakeProcess;
let clock: ManualClock;
let children: FakeChild[];
let logged: string[];

beforeEach(() => {
  self = new FakeProcess();
  clock = new ManualClock();
  children = [];
  logged = [];
});

function startFake(at: number): Child {
  const child = new FakeChild(at);
  children.push(child);
  return child;
}

function groupOf(count: number, port = 8080): NodeGroup {
  const logger = createLogger({
    level: 'info',
    pretty: false,
    destination: { write: (line) => void logged.push(line) },
  });
  return new NodeGroup(logger, startFake, self, clock, { count, port, drainMs: DRAIN_MS });
}

async function readyGroup(count: number): Promise<NodeGroup> {
  const group = groupOf(count);
  const starting = group.start();
  for (const child of children) child.becomeReady();
  await starting;
  return group;
}

const last = (): FakeChild => children.at(-1) as FakeChild;

/** The newest process ends, and the pause before its next start passes. */
async function endLast(pauseMs: number): Promise<void> {
  last().end(1);
  await turn();
  clock.advance(pauseMs);
  await turn();
}

describe('a group of server nodes', () => {
  it('has ports that follow each other, and is ready when all are', async () => {
    const starting = groupOf(3).start();
    expect(children.map(({ port }) => port)).toEqual([8080, 8081, 8082]);
    let isReady = false;
    void starting.then(() => (isReady = true));
    children[2]?.becomeReady();
    children[0]?.becomeReady();
    await turn();
    expect(isReady).toBe(false);
    children[1]?.becomeReady();
    expect(await starting).toEqual(['http://localhost:8080', 'http://localhost:8081', 'http://localhost:8082']);
  });

  it('starts one that ended again at its port, also one that took a free port', async () => {
    const starting = groupOf(2, 0).start();
    expect(children.map(({ port }) => port)).toEqual([0, 0]);
    children[0]?.becomeReady(5001);
    children[1]?.becomeReady(5002);
    await starting;
    children[0]?.end(null, 'SIGKILL');
    await turn();
    clock.advance(249);
    await turn();
    expect(children).toHaveLength(2);
    clock.advance(1);
    await turn();
    expect(last().port).toBe(5001);
    last().becomeReady();
    await turn();
    expect(logged.join('')).toContain('ready again');
  });

  it('waits longer each time, and gives up when no start lasts', async () => {
    const group = await readyGroup(2);
    for (const pauseMs of [250, 500, 1_000, 2_000, 4_000]) {
      const before = children.length;
      last().end(1);
      await turn();
      clock.advance(pauseMs - 1);
      await turn();
      expect(children).toHaveLength(before);
      clock.advance(1);
      await turn();
      expect(children).toHaveLength(before + 1);
    }
    last().end(1);
    await turn();
    expect(children[0]?.signals).toEqual(['SIGTERM']);
    expect(logged.join('')).toContain('giving up');
    children[0]?.end(0);
    expect(await group.ended).toBe(EXIT.unavailable);
  });

  it('counts from the beginning when a start has lasted', async () => {
    await readyGroup(1);
    for (const pauseMs of [250, 500, 1_000, 2_000, 4_000]) await endLast(pauseMs);
    clock.advance(30_000);
    await endLast(250);
    expect(children).toHaveLength(7);
    expect(logged.join('')).not.toContain('giving up');
  });

  it('stops all when one does not start, and ends with its exit code', async () => {
    const group = groupOf(3);
    const starting = group.start();
    children[0]?.becomeReady();
    children[1]?.end(EXIT.io);
    await turn();
    expect(children.map(({ signals }) => signals)).toEqual([['SIGTERM'], [], ['SIGTERM']]);
    children[0]?.end(0);
    children[2]?.end(null, 'SIGTERM');
    expect(await starting).toBeUndefined();
    expect(await group.ended).toBe(EXIT.io);
    expect(children).toHaveLength(3);
  });
});

describe('a group that is told to go', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('takes all with it at once on %s, and ends with 0', async (signal) => {
    const group = await readyGroup(3);
    self.emit(signal);
    self.emit('SIGTERM');
    expect(children.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM'], ['SIGTERM']]);
    for (const child of children) child.end(0);
    expect(await group.ended).toBe(EXIT.ok);
    expect(children).toHaveLength(3);
  });

  it('starts nobody again whose pause had begun', async () => {
    const group = await readyGroup(1);
    last().end(1);
    await turn();
    self.emit('SIGTERM');
    expect(await group.ended).toBe(EXIT.ok);
    expect(children).toHaveLength(1);
  });

  it('says by its exit code that one did not end in good order', async () => {
    const group = await readyGroup(2);
    self.emit('SIGTERM');
    children[0]?.end(0);
    children[1]?.end(EXIT.io);
    expect(await group.ended).toBe(EXIT.io);
  });

  it('stops whoever is still there when the time is over', async () => {
    const group = await readyGroup(2);
    self.emit('SIGTERM');
    children[0]?.end(0);
    await turn();
    clock.advance(DRAIN_MS + 500);
    expect(children.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM', 'SIGKILL']]);
    children[1]?.end(null, 'SIGKILL');
    expect(await group.ended).toBe(EXIT.internal);
  });

  it('ends everything at a second Ctrl-C on a terminal', async () => {
    self.isInteractive = true;
    await readyGroup(2);
    self.emit('SIGINT');
    clock.advance(1_000);
    self.emit('SIGINT');
    expect(children.map(({ signals }) => signals)).toEqual([
      ['SIGTERM', 'SIGKILL'],
      ['SIGTERM', 'SIGKILL'],
    ]);
    expect(self.ends).toEqual(['SIGINT']);
  });

  it('stays when the terminal goes that it was not started at', async () => {
    await readyGroup(1);
    self.emit('SIGHUP');
    expect(last().signals).toEqual([]);
    self.hasTerminal = true;
    self.emit('SIGHUP');
    expect(last().signals).toEqual(['SIGTERM']);
  });
});
