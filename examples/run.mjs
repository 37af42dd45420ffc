// `npm run examples`: compiles the examples, starts a server on a free port and a fresh store, and runs each of them
// with keys made by the command line; with names of examples behind it, only those. An example that ends badly, says something else than expected, or hangs, fails.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runEmbedded } from './embedded/run.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const program = path('../bin/allspark.js');
const LAST_LINES = {
  'two-nodes': 'alice got the answer: { answer: 42 }',
  'offline-receiver': 'bob received first, second, third',
  'anonymous-session': 'carol heard "Guess who I am." and knows now that it was bob',
  game: 'bob heard "next round", and after the master left: no_master',
};
const NODES = ['alice', 'bob', 'carol'];
const LIMIT_MS = 30_000;

execFileSync(process.execPath, [path('../node_modules/typescript/bin/tsc'), '-p', path('tsconfig.json')], {
  stdio: 'inherit',
});

async function startServer(dataDir) {
  const args = [program, 'start', '--port', '0', '--data-dir', dataDir, '--log-level', 'warn'];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith('ready ')) return { server, url: line.slice('ready '.length) };
  }
  throw new Error('the server ended before it was ready');
}

function keyOf(node, dataDir) {
  return execFileSync(process.execPath, [program, 'token', 'make', node, '--data-dir', dataDir], {
    encoding: 'utf8',
  }).trim();
}

async function runOne(name, lastLine) {
  const dataDir = mkdtempSync(join(tmpdir(), 'allspark-example-'));
  const { server, url } = await startServer(dataDir);
  const keys = Object.fromEntries(NODES.map((node) => [`${node.toUpperCase()}_KEY`, keyOf(node, dataDir)]));
  const env = { ...process.env, ALLSPARK_URL: url, ...keys };
  const run = spawnSync(process.execPath, [path(`dist/${name}.js`)], { encoding: 'utf8', env, timeout: LIMIT_MS });
  server.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
  console.log(`--- ${name}\n${run.stdout}${run.stderr}`);
  return run.status === 0 && run.stdout.trim().split('\n').includes(lastLine);
}

async function runEmbeddedExample() {
  console.log('--- embedded');
  try {
    await runEmbedded();
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

const all = [...Object.keys(LAST_LINES), 'embedded'];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
let failed = 0;
for (const name of wanted) {
  if (!all.includes(name)) throw new Error(`there is no example ${name}, but ${all.join(', ')}`);
  const passed = name === 'embedded' ? await runEmbeddedExample() : await runOne(name, LAST_LINES[name]);
  if (!passed) failed += 1;
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
