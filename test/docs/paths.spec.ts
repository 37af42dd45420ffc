import { existsSync, statSync } from 'node:fs';
import { dirname, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchors, markdownFiles, projectFiles, prose, ROOT, textOf } from './markdown.js';

const documents = markdownFiles('docs');
const doors = projectFiles().filter((path) => path.endsWith('.md') && !path.startsWith('docs/'));

const PATH = /`((?:src|docs|test|config|sdk|scripts|bin|examples|bench|\.ci)\/[^\s`*]*)`/g;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;

interface Named {
  readonly document: string;
  readonly target: string;
}

function named(list: readonly string[], pattern: RegExp): Named[] {
  return list.flatMap((document) =>
    [...prose(textOf(document)).matchAll(pattern)].map(([, target = '']) => ({ document, target })),
  );
}

/** A path that ends in a slash has to be a folder. */
function isThere(path: string): boolean {
  return existsSync(ROOT + path) && (!path.endsWith('/') || statSync(ROOT + path).isDirectory());
}

function resolves({ document, target }: Named): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : normalize(`${dirname(document)}/${path}`);
  if (!isThere(file)) return false;
  return anchor === undefined || anchors(textOf(file)).has(anchor);
}

const asText = ({ document, target }: Named): string => `${document}: ${target}`;

describe(`the ${documents.length} documents`, () => {
  it('are all here', () => {
    expect(documents).toEqual(expect.arrayContaining(['docs/architecture.md', 'docs/protocol.md']));
    expect(documents.filter((path) => path.startsWith('docs/decisions/')).length).toBeGreaterThanOrEqual(10);
  });

  it('name only files and folders that exist', () => {
    const paths = named(documents, PATH);
    expect(paths.length).toBeGreaterThanOrEqual(80);
    expect(paths.filter(({ target }) => !isThere(target)).map(asText)).toEqual([]);
  });

  it('link only to what is there, headings included', () => {
    const links = named([...documents, ...doors], LINK).filter(({ target }) => !/^[a-z]+:/.test(target));
    expect(links.length).toBeGreaterThanOrEqual(40);
    expect(links.filter((link) => !resolves(link)).map(asText)).toEqual([]);
  });

  it('number the decisions without a hole', () => {
    const decisions = documents.filter((path) => path.startsWith('docs/decisions/'));
    const numbers = decisions.map((path) => Number(/\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]));
    expect(numbers).toEqual(decisions.map((_, index) => index + 1));
    for (const [index, path] of decisions.entries()) {
      expect(textOf(path)).toMatch(new RegExp(`^# ${String(index + 1).padStart(4, '0')}: `));
      expect([...textOf(path).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
        'Context',
        'Decision',
        'Consequence',
      ]);
    }
  });
});
