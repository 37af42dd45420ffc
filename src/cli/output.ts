import { codeOf } from './failure.js';

/** Resolves when the line has left the process: only then may what it shows count as processed. */
export function printLine(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** News for the person at the terminal, kept apart from what scripts read. */
export const note = (line: string): void => console.error(line);

/** Whoever reads this output has seen enough, as `head` does. */
export const isClosedPipe = (error: unknown): boolean => codeOf(error) === 'EPIPE';
