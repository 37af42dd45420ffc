import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block: the words behind its opening fence, and what stands in it. */
export interface Fence {
  readonly words: readonly string[];
  readonly text: string;
  readonly line: number;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

export function textOf(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

const NOT_OURS = new Set(['node_modules', 'dist', '.git', 'data', 'coverage']);

/** Every file of the project below a folder, by its path from the root; '' or a folder with a slash at its end. */
export function projectFiles(folder: string = ''): string[] {
  const entries = readdirSync(ROOT + folder, { withFileTypes: true }).filter(({ name }) => !NOT_OURS.has(name));
  return entries.flatMap((entry) => {
    const path = folder + entry.name;
    return entry.isDirectory() ? projectFiles(`${path}/`) : [path];
  });
}

/** Every Markdown file below a folder, by its path from the root. */
export function markdownFiles(folder: string): string[] {
  const names = readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .sort();
}

export function fences(markdown: string): Fence[] {
  const found = markdown.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm);
  return [...found].map(({ index, 1: words = '', 2: text = '' }) => ({
    words: words.split(' '),
    text: text.trimEnd(),
    line: markdown.slice(0, index).split('\n').length,
  }));
}

/** The text that is prose: no fenced blocks. */
export function prose(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, '');
}

export function tables(markdown: string): Table[] {
  const blocks = prose(markdown).matchAll(/(?:^\|.*\|$\n?)+/gm);
  return [...blocks].map(([block]) => {
    const [head = [], , ...rows] = block.trim().split('\n').map(cellsOf);
    return { head, rows };
  });
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The anchors that headings have on the usual forges. */
export function anchors(markdown: string): Set<string> {
  const headings = prose(markdown).matchAll(/^#{1,6} (.*)$/gm);
  return new Set([...headings].map(([, heading = '']) => anchorOf(heading)));
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
