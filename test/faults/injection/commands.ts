import { CANARY } from './vectors.js';

/** Where the commands that a server gave its store are written down; the server finds it in its environment. */
export const COMMANDS_FILE = 'FAULTS_COMMANDS_FILE';

/** Settings of a server whose commands are written into the file. */
export function noting(file: string): Record<string, string> {
  const preload = new URL('noting.js', import.meta.url).href;
  return { NODE_OPTIONS: `--import=${preload}`, [COMMANDS_FILE]: file };
}

/** What one command to MongoDB shows of its origin. */
export interface Seen {
  readonly name: string;
  readonly operators: readonly string[];
  /** Input that became part of the language: a key, or a value that left the text in which it came. */
  readonly strayed: readonly string[];
  /** Texts with input in them: where it belongs. */
  readonly texts: number;
}

/** Operators that run code or patterns; the project's own filters have none. */
const NEVER = new Set(['$where', '$function', '$accumulator', '$regex', '$regularExpression']);

interface Look {
  readonly operators: Set<string>;
  readonly strayed: string[];
  texts: number;
}

export function lookInto(name: string, command: unknown): Seen {
  const look: Look = { operators: new Set(), strayed: [], texts: 0 };
  descend(command, '', look);
  return { name, operators: [...look.operators], strayed: look.strayed, texts: look.texts };
}

function descend(value: unknown, path: string, look: Look): void {
  if (typeof value === 'string') return judgeText(value, path, look);
  if (typeof value !== 'object' || value === null) return;
  const bytes = bytesOf(value);
  if (bytes) return judgeText(bytes.toString('utf8'), path, look);
  if (value instanceof RegExp) look.strayed.push(`a pattern at ${path}`);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  for (const [key, inner] of entries as Array<[unknown, unknown]>) {
    judgeKey(String(key), path, look);
    descend(inner, `${path}.${String(key)}`, look);
  }
}

function judgeKey(key: string, path: string, look: Look): void {
  if (key.startsWith('$')) look.operators.add(key);
  if (key.includes(CANARY) || NEVER.has(key)) look.strayed.push(`${key} at ${path}`);
}

/** Input arrives as JSON text or not at all; on its own it would have been taken apart by somebody. */
function judgeText(text: string, path: string, look: Look): void {
  if (!text.includes(CANARY)) return;
  if (text === CANARY) look.strayed.push(`the value at ${path}`);
  else look.texts += 1;
}

/** Bytes, and the driver's wrapping of them. */
function bytesOf(value: object): Buffer | undefined {
  const inner = 'buffer' in value ? value.buffer : undefined;
  if (Buffer.isBuffer(value)) return value;
  return inner instanceof Uint8Array ? Buffer.from(inner) : undefined;
}
