/*
 * Cuts values out of JSON text byte for byte. Parsing and writing again would change numbers beyond 2^53, escapes and
 * repeated keys. The text must be valid JSON: callers have parsed it already.
 */

/** The text of each field of a JSON object; of a repeated key the last, as JSON.parse does. */
export function rawFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] === '"') {
    const nameEnd = endOfString(text, at);
    const valueAt = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const valueEnd = endOfValue(text, valueAt);
    fields.set(JSON.parse(text.slice(at, nameEnd)) as string, text.slice(valueAt, valueEnd));
    at = nextItem(text, valueEnd);
  }
  return fields;
}

/** The text of each element of a JSON array. */
export function rawElements(text: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = nextItem(text, end);
  }
  return elements;
}

/** The text of one field of a frame, for example `rawField(message.raw, 'payload')`. */
export function rawField(frame: string, name: string): string | undefined {
  return rawFields(frame).get(name);
}

function nextItem(text: string, end: number): number {
  const at = skipSpace(text, end);
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return at;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const c = text[at];
    if (c === '"') at = endOfString(text, at);
    else if (c === '{' || c === '[') [depth, at] = [depth + 1, at + 1];
    else if (c === '}' || c === ']') {
      if (depth === 0) return at;
      [depth, at] = [depth - 1, at + 1];
    } else if (depth === 0 && (c === ',' || c === ' ' || c === '\n' || c === '\r' || c === '\t')) return at;
    else {
      at += 1;
      continue;
    }
    if (depth === 0) return at;
  }
  return at;
}
