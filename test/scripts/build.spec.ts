import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const OPTIONS = {
  module: 'nodenext',
  target: 'ES2023',
  rootDir: 'src',
  outDir: 'dist',
  types: [],
  skipLibCheck: true,
  sourceMap: true,
};

let root: string;
const at = (path: string): string => join(root, path);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'allspark-build-'));
  for (const folder of ['scripts', 'node_modules', 'src', 'sdk/src']) mkdirSync(at(folder), { recursive: true });
  copyFileSync(join(PROJECT, 'scripts/build.mjs'), at('scripts/build.mjs'));
  symlinkSync(join(PROJECT, 'node_modules/typescript'), at('node_modules/typescript'));
  writeFileSync(at('package.json'), '{ "type": "module" }');
  for (const config of ['tsconfig.build.json', 'sdk/tsconfig.json']) {
    writeFileSync(at(config), JSON.stringify({ compilerOptions: OPTIONS, include: ['src'] }));
  }
  writeFileSync(at('sdk/src/index.ts'), 'export const sdk = 1;\n');
  writeFileSync(at('src/main.ts'), 'export const version = 1;\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Built {
  readonly code: number | null;
  readonly said: string;
}

function build(): Promise<Built> {
  const child = spawn(process.execPath, [at('scripts/build.mjs')], { stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => void (said += text));
  return new Promise((resolve) => void child.on('close', (code) => resolve({ code, said })));
}

const made = (): string => readFileSync(at('dist/main.js'), 'utf8');
const leftovers = (): string[] =>
  [...readdirSync(root), ...readdirSync(at('sdk'))].filter((name) => name.startsWith('.build-'));

describe('the build', { timeout: 120_000 }, () => {
  it('compiles both parts, with maps that name the sources', async () => {
    expect(await build()).toEqual({ code: 0, said: 'Compiling ...\n' });
    expect(made()).toContain('version = 1');
    expect(readFileSync(at('sdk/dist/index.js'), 'utf8')).toContain('sdk = 1');
    expect(JSON.parse(readFileSync(at('dist/main.js.map'), 'utf8'))).toMatchObject({ sources: ['../src/main.ts'] });
    expect(leftovers()).toEqual([]);
  });

  it('does nothing when all is made of these sources, and everything when one differs or a file is gone', async () => {
    await build();
    const before = statSync(at('dist/main.js')).ino;
    expect(await build()).toEqual({ code: 0, said: '' });
    expect(statSync(at('dist/main.js')).ino).toBe(before);
    writeFileSync(at('src/main.ts'), 'export const version = 2;\n');
    await build();
    expect(made()).toContain('version = 2');
    rmSync(at('dist/main.js'));
    await build();
    expect(made()).toContain('version = 2');
  });

  it('is done once by those who start at the same time', async () => {
    const all = await Promise.all([build(), build(), build()]);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(readdirSync(at('.build'))).toEqual(['stamp.json']);
    const times = readdirSync(at('dist')).map((name) => statSync(join(root, 'dist', name)).ino);
    await build();
    expect(readdirSync(at('dist')).map((name) => statSync(join(root, 'dist', name)).ino)).toEqual(times);
  });

  it('fails on an error and leaves what is there as it is', async () => {
    await build();
    writeFileSync(at('src/main.ts'), 'export const version: number = "three";\n');
    const failed = await build();
    expect(failed.code).toBe(1);
    expect(failed.said).toContain('TS2322');
    expect(made()).toContain('version = 1');
    expect(leftovers()).toEqual([]);
    expect((await build()).code).toBe(1);
  });

  it('goes on behind one that was killed in the middle', async () => {
    const gone = spawn(process.execPath, ['--eval', '']);
    await new Promise((resolve) => void gone.on('close', resolve));
    mkdirSync(at('.build'));
    mkdirSync(at(`.build-${gone.pid}`));
    writeFileSync(at('.build/lock'), String(gone.pid));
    expect((await build()).code).toBe(0);
    expect(made()).toContain('version = 1');
    expect(leftovers()).toEqual([]);
  });
});
