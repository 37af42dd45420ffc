import { Refusal } from './refusal.js';

/** One member of an object, or one element of an array, as it stands in the text. */
export interface Slice {
  /** The member's name, decoded; empty for an element. */
  readonly name: string;
  /** The value's own text, byte for byte, without the white space around it. */
  readonly raw: string;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * Parses, but looks at the depth before anything recurses: a parser takes 32,000 levels, what walks its result later
 * may not.
 */
export function parseJson(text: string, maxDepth: number): unknown {
  refuseDepth(text, maxDepth);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal('bad_json', { reason: 'the text is not valid JSON' });
  }
}

/** Throws `too_deep` when brackets nest deeper than `maxDepth`; says nothing about the rest of the syntax. */
export function refuseDepth(text: string, maxDepth: number): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      if (depth > maxDepth) throw new Refusal('too_deep', { reason: `at most ${maxDepth} levels` });
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
}

/** The members of the outermost object or array. The text must be known to be valid JSON of that kind. */
export function slices(text: string): Slice[] {
  const found: Slice[] = [];
  let at = skipSpace(text, 0);
  const named = text.charCodeAt(at) === OPEN_BRACE;
  at = skipSpace(text, at + 1);
  while (at < text.length && !isClosing(text.charCodeAt(at))) {
    let name = '';
    if (named) {
      const end = endOfString(text, at);
      name = decodeString(text.slice(at, end));
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    const end = endOfValue(text, at);
    found.push({ name, raw: text.slice(at, end) });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return found;
}

function decodeString(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}

function isClosing(code: number): boolean {
  return code === CLOSE_BRACE || code === CLOSE_BRACKET;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** The position behind the closing quote; the text's end when there is none. */
export function endOfString(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at + 1;
  }
  return text.length;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(text, start);
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === COLON || isClosing(code) || isSpace(code)) break;
  }
  return at;
}

function endOfNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (isClosing(code) && (depth -= 1) === 0) return at + 1;
  }
  return text.length;
}
