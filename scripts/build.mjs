// `npm run build`: compiles the client library and the server, unless what lies in their dist folders was made of exactly
// these sources. Several may run at once, while servers run from the same folders: each compiles into a folder of its own
// and moves file after file into place, so that nobody ever loads half a file; and who comes second waits for the first.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PARTS = [
  { config: 'sdk/tsconfig.json', out: 'sdk/dist' },
  { config: 'tsconfig.build.json', out: 'dist' },
];
const SOURCES = ['src', 'sdk/src'];
const ALONE = ['package.json', 'package-lock.json', 'tsconfig.json', ...PARTS.map(({ config }) => config)];
const STATE = join(ROOT, '.build');
const STAMP = join(STATE, 'stamp.json');
const LOCK = join(STATE, 'lock');
/** Longer than any compilation: behind that the lock is of a number that another process got. */
const LOCK_LIMIT_MS = 180_000;

const inFolder = (folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

function fingerprint() {
  const hash = createHash('sha256');
  const alone = ALONE.map((name) => join(ROOT, name)).filter((file) => existsSync(file));
  for (const file of [fileURLToPath(import.meta.url), ...alone, ...SOURCES.flatMap(inFolder)]) {
    hash
      .update(`${file.slice(ROOT.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function isFresh(sources) {
  try {
    const stamp = JSON.parse(readFileSync(STAMP, 'utf8'));
    return stamp.sources === sources && stamp.files.every(([file, size]) => statSync(join(ROOT, file)).size === size);
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Only saves work: two that compile at once do no harm. */
function takeLock() {
  mkdirSync(STATE, { recursive: true });
  const until = Date.now() + LOCK_LIMIT_MS;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      const file = openSync(LOCK, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned() || Date.now() > until) rmSync(LOCK, { force: true });
    else Atomics.wait(nap, 0, 0, 100);
  }
}

function isAbandoned() {
  try {
    const holder = readFileSync(LOCK, 'utf8');
    if (holder === '') return Date.now() - statSync(LOCK).mtimeMs > 5_000;
    return Number(holder) !== process.pid && !isAlive(Number(holder));
  } catch {
    return false;
  }
}

function compile({ config, out }, into) {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(ROOT, config), '--outDir', into], {
    stdio: 'inherit',
    cwd: ROOT,
  });
  if (status !== 0) return undefined;
  return readdirSync(into, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const made = join(entry.parentPath, entry.name);
      const place = join(out, made.slice(into.length + 1));
      mkdirSync(dirname(join(ROOT, place)), { recursive: true });
      const { size } = statSync(made);
      renameSync(made, join(ROOT, place));
      return [place, size];
    });
}

/** What those left who were ended while they compiled. */
function clear() {
  for (const folder of PARTS.map(({ out }) => join(ROOT, dirname(out)))) {
    const left = readdirSync(folder).filter((name) => /^\.build-\d+$/.test(name) && !isAlive(Number(name.slice(7))));
    for (const name of left) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function build(sources) {
  const files = [];
  clear();
  for (const part of PARTS) {
    // Beside the target: a rename does not cross file systems, and source maps name the sources from there.
    const into = join(ROOT, dirname(part.out), `.build-${process.pid}`);
    const made = compile(part, into);
    rmSync(into, { recursive: true, force: true });
    if (made === undefined) return 1;
    files.push(...made);
  }
  writeFileSync(`${STAMP}.${process.pid}`, JSON.stringify({ sources, files }));
  renameSync(`${STAMP}.${process.pid}`, STAMP);
  return 0;
}

function run() {
  const sources = fingerprint();
  if (isFresh(sources)) return 0;
  console.log('Compiling ...');
  takeLock();
  try {
    return isFresh(sources) ? 0 : build(sources);
  } finally {
    rmSync(LOCK, { force: true });
  }
}

process.exitCode = run();
