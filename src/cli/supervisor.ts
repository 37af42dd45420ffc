import type { Clock, Timer } from '../common/clock.js';
import type { Logger } from '../common/logging.js';
import { StoreHealth } from '../modules/inbox/index.js';
import { ServerNode } from '../modules/nodes/index.js';
import type { RunningServer } from '../create-app.js';
import { EXIT } from './exit-codes.js';
import { SAME_KEY_MS } from './interruption.js';
import type { OwnProcess } from './own-process.js';

/** How long a drain may last when something is broken: the process must be gone after 5 s, exit included. */
const BROKEN_MS = 4_000;

/** Decides when the process ends: a signal drains once, a broken store or an unforeseen error ends it soon and non-zero. */
export class Supervisor {
  readonly ended: Promise<number>;
  private end: (code: number) => void = () => {};
  private server: RunningServer | undefined;
  private health: StoreHealth | undefined;
  /** The exit code so far; undefined until it goes away. */
  private code: number | undefined;
  private limit: { readonly at: number; readonly timer: Timer } | undefined;
  private interruptedAt: number | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly drainMs: number,
    private readonly self: OwnProcess,
    private readonly clock: Clock,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    if (self.isFirst) this.heedSignals();
    self.on('SIGHUP', () => this.loseTerminal());
    if (self.belongsToParent) self.on('disconnect', () => this.loseParent());
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      self.on(event, (error) => this.break(error, event, EXIT.internal));
    }
  }

  watch(server: RunningServer): void {
    this.server = server;
    if (!this.self.isFirst) this.heedSignals();
    const health = server.app.get(StoreHealth, { strict: false });
    this.health = health;
    health.onFatal((error) => this.break(error, 'the store failed', EXIT.io));
    const serverNode = server.app.get(ServerNode, { strict: false });
    serverNode.onLost((error) => this.break(error, 'another server node took the address over', EXIT.unavailable));
  }

  /**
   * Only once there is something to let go: until then a signal simply ends the process. Opening the store blocks this
   * thread while another process has the lock, and a signal that is listened to would wait for that.
   */
  private heedSignals(): void {
    this.self.on('SIGTERM', () => this.leave('received SIGTERM'));
    this.self.on('SIGINT', () => this.interrupt());
  }

  /** Node.js forgets that `nohup` had this signal ignored: whoever was not started at a terminal stays. */
  private loseTerminal(): void {
    if (this.self.hasTerminal) this.leaveOrDie('the terminal is gone');
  }

  /** Nobody would ever stop it again. */
  private loseParent(): void {
    this.leaveOrDie('the process that started this one is gone');
  }

  private leaveOrDie(why: string): void {
    if (this.server === undefined) return this.self.die('SIGTERM');
    this.leave(why);
  }

  /** Somebody at a terminal who presses Ctrl-C once more does not want to wait. */
  private interrupt(): void {
    const now = this.clock.monotonic();
    const isAgain = this.interruptedAt !== undefined && now - this.interruptedAt >= SAME_KEY_MS;
    if (isAgain && this.self.isInteractive) return this.self.die('SIGINT');
    this.interruptedAt ??= now;
    this.leave('received SIGINT');
  }

  /** Also while it goes away: what broke then must be seen in the exit code, and nobody waits long for it. */
  private break(error: unknown, what: string, code: number): void {
    this.logger.fatal({ err: error }, what);
    if (this.code === undefined) return this.begin(what, code, BROKEN_MS);
    if (this.code === EXIT.ok) this.code = code;
    this.endWithin(BROKEN_MS);
  }

  /** A second signal changes nothing: there is one drain. */
  private leave(why: string): void {
    if (this.code === undefined) this.begin(why, EXIT.ok, this.drainMs);
  }

  private begin(why: string, code: number, limitMs: number): void {
    this.code = code;
    const hint = this.self.isInteractive ? ' (Ctrl-C once more ends it at once)' : '';
    this.logger.info({ why }, `going away: draining, at most ${Math.ceil(limitMs / 1_000)} s${hint}`);
    this.endWithin(limitMs);
    void this.close().then(() => this.finish());
  }

  private endWithin(ms: number): void {
    const at = this.clock.monotonic() + ms;
    if (this.limit !== undefined && this.limit.at <= at) return;
    this.limit?.timer.cancel();
    const cut = (): void => {
      this.logger.error('closing did not end in time');
      this.dieHard();
    };
    this.limit = { at, timer: this.clock.after(ms, cut) };
  }

  private finish(): void {
    const code = this.code ?? EXIT.ok;
    if (this.health?.isStuck) {
      this.logger.error('a write still waits for another process, or for the disk');
      return this.dieHard();
    }
    this.logger.info('gone');
    this.end(code);
    // What still keeps the event loop alive is nothing that anybody waits for.
    setImmediate(() => this.self.exit(code));
  }

  /**
   * An exit joins all threads, so it never ends while one of them waits for the lock of another process or for a disk.
   * A signal that nobody catches ends the process all the same: after a SIGTERM it is that one, which service managers
   * take for an end in good order; otherwise SIGKILL, which all take for a failure.
   */
  private dieHard(): void {
    this.self.die(this.code === EXIT.ok ? 'SIGTERM' : 'SIGKILL');
  }

  private async close(): Promise<void> {
    try {
      await this.server?.close();
    } catch (error) {
      this.logger.error({ err: error }, 'closing failed');
    }
  }
}
