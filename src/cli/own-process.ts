import { belongsToParent } from './several/child.js';

/** The signals and errors that a process hears of. */
export type ProcessEvent = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'disconnect' | 'uncaughtException' | 'unhandledRejection';

/** This process, as far as its end is concerned. */
export interface OwnProcess {
  /** Somebody sits at a terminal before it. */
  readonly isInteractive: boolean;
  /** It was started at a terminal, which may go away. */
  readonly hasTerminal: boolean;
  /** Another process of ours started it, and its end is the end of this one (`disconnect`). */
  readonly belongsToParent: boolean;
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
  hasTerminal: process.stdin.isTTY || process.stdout.isTTY,
  belongsToParent: belongsToParent(),
  isFirst: process.pid === 1,
  on: (event, listener) => {
    process.on(event, listener);
    // To listen on the channel to the parent must not keep alive whom nothing else does.
    if (event === 'disconnect') process.channel?.unref();
  },
  exit: (code) => process.exit(code),
  die: (signal) => {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // The first process of a container is spared by its own signals, but not by this.
    process.abort();
  },
};
