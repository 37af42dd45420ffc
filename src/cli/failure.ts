import { EXIT } from './exit-codes.js';
import { CliFault } from './fault.js';

const DEBUG_LEVELS = ['debug', 'trace'];
export const FILE_ERRORS = ['EACCES', 'EIO', 'EISDIR', 'EMFILE', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS'];

/** Tells what a command failed at; a stack only to those who asked for it with LOG_LEVEL. Gives the exit code. */
export function tellFailure(error: unknown, env: NodeJS.ProcessEnv = process.env): number {
  const isDebug = DEBUG_LEVELS.includes(env['LOG_LEVEL']?.toLowerCase() ?? '');
  for (const line of failureLines(error)) console.error(line);
  if (isDebug) console.error(error);
  else if (!isExpected(error)) console.error('(LOG_LEVEL=debug shows where)');
  return failureCode(error);
}

export function failureLines(error: unknown): readonly string[] {
  const [first = '', ...rest] = messageOf(error).trimEnd().split('\n');
  return [`allspark: ${first}`, ...rest, ...(error instanceof CliFault ? error.advice : [])];
}

export function failureCode(error: unknown): number {
  if (error instanceof CliFault) return error.exitCode;
  return FILE_ERRORS.includes(codeOf(error) ?? '') ? EXIT.io : EXIT.internal;
}

const isExpected = (error: unknown): boolean => failureCode(error) !== EXIT.internal;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** The `code` of an error of Node.js, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
