import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Violation } from '../checker/index.js';
import { CHECKER } from './places.js';

export interface Verdict {
  /** Entries of each kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** Violations of each invariant. */
  readonly invariants: Readonly<Record<string, number>>;
  /** The first ones. */
  readonly violations: readonly Violation[];
}

/** What the checker, a process of its own, says to the journals in a folder. */
export async function judgeFolder(folder: string, lateMs?: number): Promise<Verdict> {
  const args = ['--max-old-space-size=6144', CHECKER, folder, ...(lateMs === undefined ? [] : [String(lateMs)])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as Verdict;
}
