import { within } from './wait.js';

const ANSWER_MS = 60_000;

/** A process that tells something in a line that begins with a word, when it is asked to by a signal. */
export interface Teller {
  readonly pid: number;
  said(): string;
}

/** Asks, and resolves with what stands behind the word in the next such line. */
export async function told<T>(subject: Teller, word: string, signal: NodeJS.Signals = 'SIGUSR2'): Promise<T> {
  const lines = (): string[] => subject.said().match(new RegExp(`^${word}\\{.*\\}$`, 'gm')) ?? [];
  const before = lines().length;
  process.kill(subject.pid, signal);
  if (!(await within(ANSWER_MS, () => lines().length > before))) throw new Error(`no ${word}line is told`);
  return JSON.parse(lines().at(-1)!.slice(word.length)) as T;
}
