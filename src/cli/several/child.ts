import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server node that this process started. */
export interface Child {
  readonly pid: number | undefined;
  /** Its base URL as soon as it takes connections; undefined when it ended before. */
  readonly ready: Promise<string | undefined>;
  readonly ended: Promise<Ending>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts a server node at a port; 0 takes a free one. */
export type StartChild = (port: number) => Child;

/** Tells a process that it belongs to the one that started it: it goes when that one does. */
const MARK = 'ALLSPARK_BELONGS_TO_PARENT';

export const belongsToParent = (): boolean => process.env[MARK] !== undefined && process.connected;

/** The same program with the same settings, but for the port. What it logs goes where this process logs. */
export function childStarter(argv: readonly string[]): StartChild {
  const program = process.argv[1] ?? '';
  return (port) => {
    const args = [...process.execArgv, program, 'start', ...argv, `--port=${port}`, '--nodes=1'];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, [MARK]: '1' },
      // The channel carries nothing: that it closes tells the child that this process is gone, however it went.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return { pid: child.pid, ready: readyUrl(child), ended: endOf(child), kill: (signal) => void child.kill(signal) };
  };
}

async function readyUrl(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const url = /^ready (\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    lines.on('close', () => resolve(undefined));
  });
}

function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}
