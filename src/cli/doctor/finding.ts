/** `note`: nothing is wrong, but it is good to know. */
export type Level = 'ok' | 'note' | 'warn' | 'fail';

/** What one look at the machine gave. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export const fine = (check: string, found: string): Finding => ({ check, level: 'ok', found });

export const remark = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'note',
  found,
  advice,
});

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
