import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { createLogger, type Logger } from '../common/logging.js';
import { ServerNode } from '../modules/nodes/index.js';
import type { RunningServer } from '../create-app.js';
import { EXIT } from './exit-codes.js';
import { Supervisor } from './supervisor.js';
import { FakeProcess } from './testing/fake-process.js';

const DRAIN_MS = 25_000;

class FakeServer {
  fail!: (error: Error) => void;
  closed!: () => void;
  lose!: (error: Error) => void;
  readonly health = { isStuck: false, onFatal: (call: (error: Error) => void) => void (this.fail = call) };
  private readonly serverNode = { onLost: (call: (error: Error) => void) => void (this.lose = call) };
  private readonly closing = new Promise<void>((resolve) => (this.closed = resolve));

  readonly close = (): Promise<void> => this.closing;
  readonly app = { get: (token: unknown) => (token === ServerNode ? this.serverNode : this.health) };
}

let self: FakeProcess;
let server: FakeServer;
let clock: ManualClock;
let logged: string[];
let logger: Logger;
let supervisor: Supervisor;

beforeEach(() => {
  self = new FakeProcess();
  server = new FakeServer();
  clock = new ManualClock();
  logged = [];
  const destination = { write: (line: string) => void logged.push(line) };
  logger = createLogger({ level: 'info', pretty: false, destination });
  supervisor = new Supervisor(logger, DRAIN_MS, self, clock);
  supervisor.watch(server as unknown as RunningServer);
});

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

describe('a process that is told to go', () => {
  it('drains once, says for how long, and exits with 0', async () => {
    self.emit('SIGTERM');
    self.emit('SIGTERM');
    server.closed();
    expect(await supervisor.ended).toBe(EXIT.ok);
    await turn();
    expect(self.ends).toEqual([EXIT.ok]);
    expect(logged.filter((line) => /draining, at most 25 s/.test(line))).toHaveLength(1);
  });

  it('ends by SIGTERM, not by an exit that would wait, when the store is stuck', async () => {
    self.emit('SIGTERM');
    server.health.isStuck = true;
    server.closed();
    await turn();
    expect(self.ends).toEqual(['SIGTERM']);
  });

  it('ends when the drain takes longer than it may', () => {
    self.emit('SIGTERM');
    clock.advance(DRAIN_MS - 1);
    expect(self.ends).toEqual([]);
    clock.advance(1);
    expect(self.ends).toEqual(['SIGTERM']);
  });

  it('stays when a terminal goes that it was not started at, and drains when its own goes', async () => {
    self.emit('SIGHUP');
    expect(logged).toEqual([]);
    self.hasTerminal = true;
    self.emit('SIGHUP');
    server.closed();
    expect(await supervisor.ended).toBe(EXIT.ok);
  });

  it('drains when the process is gone that it belongs to, and ends at once when it is not up yet', async () => {
    const child = new FakeProcess();
    child.belongsToParent = true;
    const one = new Supervisor(logger, DRAIN_MS, child, clock);
    child.emit('disconnect');
    expect(child.ends).toEqual(['SIGTERM']);
    one.watch(server as unknown as RunningServer);
    child.emit('disconnect');
    server.closed();
    expect(await one.ended).toBe(EXIT.ok);
    expect(self.heeds('disconnect')).toBe(false);
  });

  it('ends at once at a second Ctrl-C on a terminal, but not at the echo of the first', () => {
    self.isInteractive = true;
    self.emit('SIGINT');
    clock.advance(20);
    self.emit('SIGINT');
    expect(self.ends).toEqual([]);
    clock.advance(1_000);
    self.emit('SIGINT');
    expect(self.ends).toEqual(['SIGINT']);
  });

  it('has one drain for any number of SIGINT where nobody sits before it', () => {
    self.emit('SIGINT');
    clock.advance(1_000);
    self.emit('SIGINT');
    expect(self.ends).toEqual([]);
  });
});

describe('a process that starts', () => {
  it('leaves signals to the system, for the opening of the store may block it', () => {
    const starting = new FakeProcess();
    void new Supervisor(logger, DRAIN_MS, starting, clock);
    expect(starting.heeds('SIGTERM')).toBe(false);
    expect(self.heeds('SIGTERM')).toBe(true);
  });

  it('listens to them as the first of a container, which they would pass by', async () => {
    const starting = new FakeProcess();
    starting.isFirst = true;
    const { ended } = new Supervisor(logger, DRAIN_MS, starting, clock);
    starting.emit('SIGTERM');
    expect(await ended).toBe(EXIT.ok);
  });
});

describe('a process in which something broke', () => {
  it('exits with the code of what broke', async () => {
    server.fail(new Error('disk gone'));
    server.closed();
    expect(await supervisor.ended).toBe(EXIT.io);
    await turn();
    expect(self.ends).toEqual([EXIT.io]);
  });

  it('exits so that it is started again when another server node took its address', async () => {
    server.lose(new Error('h:1 belongs to another'));
    server.closed();
    expect(await supervisor.ended).toBe(EXIT.unavailable);
    expect(logged.join('')).toContain('h:1 belongs to another');
  });

  it('is gone within 5 s, and nobody takes it for an end in good order', () => {
    self.emit('uncaughtException', new Error('unforeseen'));
    clock.advance(5_000);
    expect(self.ends).toEqual(['SIGKILL']);
  });

  it('exits non-zero although it was going away already', async () => {
    self.emit('SIGTERM');
    server.fail(new Error('disk gone'));
    server.closed();
    expect(await supervisor.ended).toBe(EXIT.io);
  });

  it('is gone within 5 s although it was going away already', () => {
    self.emit('SIGTERM');
    clock.advance(1_000);
    server.fail(new Error('disk gone'));
    clock.advance(5_000);
    expect(self.ends).toEqual(['SIGKILL']);
  });

  it('gets no more time by breaking again', () => {
    server.fail(new Error('disk gone'));
    clock.advance(3_000);
    self.emit('unhandledRejection', new Error('and more'));
    clock.advance(2_000);
    expect(self.ends).toEqual(['SIGKILL']);
  });
});
