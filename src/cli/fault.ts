import { EXIT } from './exit-codes.js';

/** Why a command ends without having done its work, in words for the person at the terminal. */
export class CliFault extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
    /** What to do about it; one line each. */
    readonly advice: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CliFault';
  }
}

export function usage(message: string, ...advice: readonly string[]): CliFault {
  return new CliFault(EXIT.usage, message, advice);
}
