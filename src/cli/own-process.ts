/** The signals and errors that a process hears of. */
export type ProcessEvent = 'SIGTERM' | 'SIGINT' | 'uncaughtException' | 'unhandledRejection';

/** This process, as far as its end is concerned. */
export interface OwnProcess {
  /** Somebody sits at a terminal before it. */
  readonly isInteractive: boolean;
  /** The first process of a container: a signal that it does not listen to passes it by. */
  readonly isFirst: boolean;
  on(event: ProcessEvent, listener: (error: unknown) => void): void;
  /** Ends it in good order, which waits for its threads. */
  exit(code: number): void;
  /** Ends it at once, whatever its threads do; nothing runs after that. */
  die(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void;
}

export const ownProcess: OwnProcess = {
  isInteractive: process.stdin.isTTY && process.stderr.isTTY,
  isFirst: process.pid === 1,
  on: (event, listener) => void process.on(event, listener),
  exit: (code) => process.exit(code),
  die: (signal) => {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // The first process of a container is spared by its own signals, but not by this.
    process.abort();
  },
};
