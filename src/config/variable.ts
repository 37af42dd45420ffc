import { z } from 'zod';
import { Secret } from './secret.js';

/** What is known of a variable besides its schema; the sample file, the faults and `config print` are made of it. */
export interface VariableFacts {
  readonly about: string;
  readonly unit: string;
  readonly zero: string;
  /** What a value must look like, in words that finish the sentence "wanted …". */
  readonly wanted: string;
  /** The default as text; undefined when unset is the default. */
  readonly fallback?: string;
  /** What happens while it is unset, where there is no default value. */
  readonly whenUnset?: string;
  readonly secret?: boolean;
  readonly boolean?: boolean;
  /** The value may also be read from the file that NAME_FILE names. */
  readonly fromFile?: boolean;
}

/** The facts hang on the schema itself, so that a variable is written in one place only. */
export const variableFacts = z.registry<VariableFacts>();

export const LONGEST_TIMER_MS = 2_147_483_647;
const NO_ZERO = 'not allowed';
const TRUE_WORDS = ['true', '1', 'yes', 'on'];
const FALSE_WORDS = ['false', '0', 'no', 'off'];

interface NumberRules {
  readonly zero?: string;
  readonly min?: number;
  readonly max?: number;
}

function numberRange(what: string, min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `${what}, ${min} or more` : `${what} from ${min} to ${max}`;
}

function whole(unit: string, fallback: number, about: string, rules: NumberRules = {}) {
  const zero = rules.zero ?? NO_ZERO;
  const min = rules.min ?? (zero === NO_ZERO ? 1 : 0);
  const max = rules.max ?? Number.MAX_SAFE_INTEGER;
  const wanted = numberRange('a whole number', min, max);
  return z
    .string()
    .regex(/^\d{1,16}$/, wanted)
    .transform(Number)
    .pipe(z.number().min(min, wanted).max(max, wanted))
    .prefault(String(fallback))
    .register(variableFacts, { about, unit, zero, wanted, fallback: String(fallback) });
}

export const count = (unit: string, fallback: number, about: string, rules?: NumberRules) =>
  whole(unit, fallback, about, rules);

export const bytes = (fallback: number, about: string, rules?: NumberRules) => whole('bytes', fallback, about, rules);

export const percent = (fallback: number, about: string, rules?: NumberRules) =>
  whole('percent', fallback, about, { max: 100, ...rules });

export const timer = (fallback: number, about: string, rules?: NumberRules) =>
  whole('milliseconds', fallback, about, { max: LONGEST_TIMER_MS, ...rules });

export const age = (fallback: number, about: string, rules?: NumberRules) =>
  whole('milliseconds', fallback, about, rules);

export const portNumber = (fallback: number, about: string, zero: string) =>
  whole('port number', fallback, about, { zero, max: 65_535 });

export function toggle(fallback: 'on' | 'off', about: string) {
  const wanted = 'on or off (also true, false, yes, no, 1, 0)';
  return z
    .string()
    .toLowerCase()
    .refine(isBooleanWord, wanted)
    .transform((word) => TRUE_WORDS.includes(word))
    .prefault(fallback)
    .register(variableFacts, { about, unit: 'on or off', zero: 'off', wanted, fallback, boolean: true });
}

export const isBooleanWord = (word: string): boolean => [...TRUE_WORDS, ...FALSE_WORDS].includes(word.toLowerCase());

export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  fallback: Words[number],
  about: string,
) {
  const wanted = `one of ${words.join(', ')}`;
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(words, wanted))
    .prefault(fallback)
    .register(variableFacts, { about, unit: words.join('|'), zero: NO_ZERO, wanted, fallback });
}

interface TextFacts {
  readonly about: string;
  readonly unit: string;
  readonly wanted: string;
  readonly accepts: (value: string) => boolean;
  readonly whenUnset?: string;
  readonly fromFile?: boolean;
}

export const NO_NUMBER = 'no meaning';

export function requiredText({ accepts, ...facts }: TextFacts, fallback: string) {
  return z
    .string()
    .refine(accepts, facts.wanted)
    .prefault(fallback)
    .register(variableFacts, { ...facts, zero: NO_NUMBER, fallback });
}

export function optionalText({ accepts, ...facts }: TextFacts) {
  return z
    .string()
    .refine(accepts, facts.wanted)
    .optional()
    .register(variableFacts, { ...facts, zero: NO_NUMBER });
}

export function optionalPem({ accepts, ...facts }: TextFacts) {
  return (
    z
      .string()
      // One-line environments carry the line ends of a PEM as the two characters \n.
      .transform((pem) => pem.replaceAll('\\n', '\n'))
      .refine(accepts, facts.wanted)
      .optional()
      .register(variableFacts, { ...facts, zero: NO_NUMBER })
  );
}

/** Comma-separated; the word `none` is the empty list. */
export function list({ accepts, ...facts }: TextFacts) {
  return z
    .string()
    .transform((joined) => splitList(joined))
    .refine((items) => items.every((item) => accepts(item)), facts.wanted)
    .optional()
    .register(variableFacts, { ...facts, zero: NO_NUMBER });
}

function splitList(joined: string): readonly string[] {
  if (joined.trim().toLowerCase() === 'none') return [];
  return joined.split(',').map((item) => item.trim());
}

export function secret({ accepts, ...facts }: TextFacts) {
  return z
    .string()
    .refine(accepts, facts.wanted)
    .transform((value) => new Secret(value))
    .optional()
    .register(variableFacts, { ...facts, zero: NO_NUMBER, secret: true, fromFile: true });
}
