export type Level = 'ok' | 'warn' | 'fail';

/** What one look at the machine gave. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export const fine = (check: string, found: string): Finding => ({ check, level: 'ok', found });

export const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'warn',
  found,
  advice,
});

export const failing = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'fail',
  found,
  advice,
});

export function findingText({ check, level, found, advice }: Finding): string {
  const line = `${level.padEnd(4)}  ${check.padEnd(16)}  ${found}`;
  return advice === undefined ? line : `${line}\n${' '.repeat(24)}${advice}`;
}
