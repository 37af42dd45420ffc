import { fileName, flagName, type Variable } from './settings.js';
import { REDACTED } from './secret.js';

/** EX_CONFIG of sysexits.h: the program was told something that it cannot start with. */
export const CONFIG_EXIT_CODE = 78;

export interface Fault {
  readonly variable: string;
  /** What was found, quoted; never a secret. */
  readonly got: string;
  readonly wanted: string;
  /** Where it was found, or where it can be set. */
  readonly where: string;
}

/** A text that was given for a variable, and the place it was given at. */
export interface Entry {
  readonly text: string;
  readonly where: string;
}

export const NOTHING = 'nothing';
const LONGEST_QUOTE = 100;
const URL_CREDENTIALS = /\/\/[^\s/@]*@/g;

/** As a JSON string: a control character in a value cannot draw on the terminal. */
export function quote(text: string): string {
  const shown = text.replaceAll(URL_CREDENTIALS, `//${REDACTED}@`);
  return JSON.stringify(shown.length > LONGEST_QUOTE ? `${shown.slice(0, LONGEST_QUOTE)}…` : shown);
}

/** What may come from a file is hidden too when it is public: a private key is easily pasted in its place. */
export function showGot({ secret, fromFile }: Variable, text: string): string {
  return secret === true || fromFile === true ? `${REDACTED}, ${Buffer.byteLength(text)} bytes` : quote(text);
}

export function placesToSet({ name, fromFile }: Variable): string {
  const environment = fromFile === true ? `${name} or ${fileName(name)}` : name;
  return `flag ${flagName(name)}, or ${environment} in the environment or in the file that CONFIG_FILE names`;
}

/** The text that is printed before the process ends with `CONFIG_EXIT_CODE`. */
export function formatFaults(faults: readonly Fault[]): string {
  const title = faults.length === 1 ? 'A setting is wrong' : `${faults.length} settings are wrong`;
  return [`${title}; nothing was started.`, ...faults.map(formatFault)].join('\n\n') + '\n';
}

function formatFault({ variable, got, wanted, where }: Fault): string {
  return `${variable}\n  got:    ${got}\n  wanted: ${wanted}\n  where:  ${where}`;
}
