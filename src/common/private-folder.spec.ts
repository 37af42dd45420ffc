import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePrivateFolder } from './private-folder.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'private-folder-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('makes a folder and those above it for their owner alone, and says which was the first', () => {
  const path = join(folder, 'a', 'b');
  expect(makePrivateFolder(path)).toBe(join(folder, 'a'));
  expect([modeOf(join(folder, 'a')), modeOf(path)]).toEqual([0o700, 0o700]);
});

it('leaves a folder alone that is there', () => {
  chmodSync(folder, 0o755);
  expect(makePrivateFolder(folder)).toBeUndefined();
  expect(modeOf(folder)).toBe(0o755);
});

it('says that a file is in the way', () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(() => makePrivateFolder(path)).toThrow(/ENOTDIR/);
  expect(() => makePrivateFolder(join(path, 'deeper'))).toThrow(/ENOTDIR/);
});

it.runIf(process.platform === 'linux')('ends where nothing can be made', () => {
  expect(() => makePrivateFolder('/proc/nothing/here')).toThrow(/ENOENT/);
});
