// Runs a program twice with the same arguments, so that one strace follows both; ends them when it is told to go.
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
const pair = [1, 2].map(() => spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
process.on('SIGTERM', () => {
  for (const child of pair) child.kill('SIGKILL');
});
