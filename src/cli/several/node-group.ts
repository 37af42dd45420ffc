import type { Clock, Timer } from '../../common/clock.js';
import type { Logger } from '../../common/logging.js';
import { EXIT } from '../exit-codes.js';
import { SAME_KEY_MS } from '../interruption.js';
import type { OwnProcess } from '../own-process.js';
import type { Child, Ending, StartChild } from './child.js';

export interface NodeGroupSettings {
  readonly count: number;
  /** Of the first; the others follow. 0 takes free ones. */
  readonly port: number;
  /** How long each may take to go away. */
  readonly drainMs: number;
}

/** A server node that ran for so long ended for a reason of its own, not of its start. */
const STEADY_MS = 30_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
/** So many starts in a row that did not last, the first included, are a fault that another start does not mend. */
const MOST_STARTS = 6;
/** Each ends itself within its time; whoever does not is stopped soon after. */
const OVERTIME_MS = 500;

/** One place of a server node, whichever process fills it. */
interface Seat {
  port: number;
  child: Child | undefined;
}

/** Several server nodes as processes of this host: starts them, starts again who ends, and takes all with it when it goes. */
export class NodeGroup {
  /** The exit code, when all are gone. */
  readonly ended: Promise<number>;
  private end: (code: number) => void = () => {};
  private readonly seats: readonly Seat[];
  /** The exit code so far; undefined until it goes away. */
  private code: number | undefined;
  private areReady = false;
  private interruptedAt: number | undefined;
  private readonly pauses = new Set<() => void>();

  constructor(
    private readonly logger: Logger,
    private readonly startChild: StartChild,
    private readonly self: OwnProcess,
    private readonly clock: Clock,
    private readonly settings: NodeGroupSettings,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.seats = Array.from({ length: settings.count }, (_, index) => ({
      port: settings.port === 0 ? 0 : settings.port + index,
      child: undefined,
    }));
    self.on('SIGTERM', () => this.leave('received SIGTERM', EXIT.ok));
    self.on('SIGINT', () => this.interrupt());
    self.on('SIGHUP', () => self.hasTerminal && this.leave('the terminal is gone', EXIT.ok));
  }

  /** Base URLs, when all take connections; undefined when it had to give up before. `ended` tells the rest. */
  async start(): Promise<readonly string[] | undefined> {
    const firsts: Promise<string | undefined>[] = [];
    const kept = this.seats.map((seat) => {
      let tell!: (url: string | undefined) => void;
      firsts.push(new Promise((resolve) => (tell = resolve)));
      return this.keep(seat, tell);
    });
    void Promise.all(kept).then(() => this.end(this.code ?? EXIT.internal));
    const urls = await Promise.all(firsts);
    if (this.code !== undefined || !urls.every((url) => url !== undefined)) return undefined;
    this.areReady = true;
    return urls;
  }

  /** Fills a seat until all leave. */
  private async keep(seat: Seat, tellFirst: (url: string | undefined) => void): Promise<void> {
    let starts = 0;
    while (this.code === undefined) {
      const startedAt = this.clock.monotonic();
      const child = this.startChild(seat.port);
      seat.child = child;
      const url = await child.ready;
      tellFirst(url);
      if (url !== undefined) this.settle(seat, url, starts > 0);
      const ending = await child.ended;
      seat.child = undefined;
      const lasted = this.clock.monotonic() - startedAt >= STEADY_MS;
      starts = lasted ? 1 : starts + 1;
      await this.consider(seat, ending, starts);
    }
  }

  /** The next at this seat comes back to where its clients look for it. */
  private settle(seat: Seat, url: string, isAgain: boolean): void {
    seat.port = portOf(url);
    if (isAgain) this.logger.info({ port: seat.port, child: seat.child?.pid, url }, 'the server node is ready again');
  }

  private async consider(seat: Seat, ending: Ending, starts: number): Promise<void> {
    if (this.code !== undefined) return this.note(seat, ending);
    const facts = { port: seat.port, ...ending };
    if (!this.areReady) {
      this.logger.fatal(facts, 'a server node did not start: the others are stopped');
      return this.leave('a server node did not start', codeOf(ending));
    }
    if (starts >= MOST_STARTS) {
      this.logger.fatal({ ...facts, starts }, 'a server node ends again and again: giving up, the others are stopped');
      return this.leave('a server node ends again and again', EXIT.unavailable);
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (starts - 1));
    this.logger.error({ ...facts, pauseMs }, 'a server node ended: it is started again');
    await this.pause(pauseMs);
  }

  /** What broke on the way out must be seen in the exit code. */
  private note(seat: Seat, ending: Ending): void {
    if (isInOrder(ending)) return;
    this.logger.error({ port: seat.port, ...ending }, 'a server node did not end in good order');
    if (this.code === EXIT.ok) this.code = codeOf(ending);
  }

  /** Somebody at a terminal who presses Ctrl-C once more does not want to wait. */
  private interrupt(): void {
    const now = this.clock.monotonic();
    if (this.interruptedAt !== undefined && now - this.interruptedAt >= SAME_KEY_MS && this.self.isInteractive) {
      this.stop('SIGKILL');
      return this.self.die('SIGINT');
    }
    this.interruptedAt ??= now;
    this.leave('received SIGINT', EXIT.ok);
  }

  /** All together: each spreads its own connections over time, and nobody is sent to one that goes next. */
  private leave(why: string, code: number): void {
    if (this.code !== undefined) return;
    this.code = code;
    this.logger.info({ why, servers: this.seats.length }, 'going away: all server nodes drain');
    this.stop('SIGTERM');
    for (const wake of this.pauses) wake();
    this.clock.after(this.settings.drainMs + OVERTIME_MS, () => this.stop('SIGKILL'));
  }

  private stop(signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const { child } of this.seats) child?.kill(signal);
  }

  private async pause(ms: number): Promise<void> {
    let timer: Timer | undefined;
    let wake!: () => void;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.pauses.add(wake);
      timer = this.clock.after(ms, wake);
    });
    timer?.cancel();
    this.pauses.delete(wake);
  }
}

/** A SIGTERM ends those whose store is stuck, and those that were not up yet. */
const isInOrder = ({ code, signal }: Ending): boolean => code === EXIT.ok || signal === 'SIGTERM';

const codeOf = ({ code }: Ending): number => (code === null || code === EXIT.ok ? EXIT.internal : code);

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
