import { type Fence, fences, textOf } from './markdown.js';

export const markdown = textOf('docs/protocol.md');
export const blocks = fences(markdown);

/** JSON examples whose fence says `kind`. */
export function examples(kind: string): Fence[] {
  return blocks.filter(({ words }) => words[0] === 'json' && words[1] === kind);
}

/** What a fence says behind `name=`. */
export function optionOf({ words }: Fence, name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

export const clientFrames = examples('client');
/** Frames that are shown because they are wrong: their fence says with which code. */
export const refused = clientFrames.filter((fence) => optionOf(fence, 'refused') !== undefined);
export const accepted = clientFrames.filter((fence) => !refused.includes(fence));
export const serverFrames = examples('server');

/** The text of the example of that kind and name; empty when there is none. */
export function shown(kind: string, name: string): string {
  return examples(kind).find(({ words }) => words[2] === name)?.text ?? '';
}

export function parsed(kind: string, name: string): unknown {
  return JSON.parse(shown(kind, name));
}

/** Field names, their nesting and the kinds of their values, without the values. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shapeOf(part)]));
}
