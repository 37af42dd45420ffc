import type { Logger } from '../common/logging.js';
import { StoreHealth } from '../modules/inbox/index.js';
import type { RunningServer } from '../create-app.js';
import { EXIT } from './exit-codes.js';

/** How long a drain may last when something is broken: the process must be gone after 5 s, exit included. */
const BROKEN_MS = 4_000;
/** Beyond the drain's own limit: whatever hangs then is cut. */
const GRACE_MS = 1_000;

/** Decides when the process ends: a signal drains once, a broken store or an unforeseen error ends it soon and non-zero. */
export class Supervisor {
  readonly ended: Promise<number>;
  private end: (code: number) => void = () => {};
  private server: RunningServer | undefined;
  private leaving = false;

  constructor(
    private readonly logger: Logger,
    private readonly drainMs: number,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => this.leave(`received ${signal}`, EXIT.ok, drainMs + GRACE_MS));
    }
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => this.break(error, event, EXIT.internal));
    }
  }

  watch(server: RunningServer): void {
    this.server = server;
    server.app.get(StoreHealth, { strict: false }).onFatal((error) => this.break(error, 'the store failed', EXIT.io));
  }

  private break(error: unknown, what: string, code: number): void {
    this.logger.fatal({ err: error }, what);
    this.leave(what, code, BROKEN_MS);
  }

  /** A second signal changes nothing: there is one drain. */
  private leave(why: string, code: number, limitMs: number): void {
    if (this.leaving) return;
    this.leaving = true;
    this.logger.info({ why }, 'going away');
    setTimeout(() => process.exit(code === EXIT.ok ? EXIT.ok : code), limitMs).unref();
    void this.close().then(() => {
      this.logger.info('gone');
      this.end(code);
      // What still keeps the event loop alive is nothing that anybody waits for.
      setImmediate(() => process.exit(code));
    });
  }

  private async close(): Promise<void> {
    try {
      await this.server?.close();
    } catch (error) {
      this.logger.error({ err: error }, 'closing failed');
    }
  }
}
