// Proves that the packages that would be published are enough: packs them, unpacks them beside nothing but their
// dependencies, compiles this example against them, runs it and talks to it. Fetches nothing from the network.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const here = fileURLToPath(new URL('.', import.meta.url));
const repository = fileURLToPath(new URL('../../', import.meta.url));
const SECRET = 'a secret of this example, at least 32 bytes long';
/** Of the application and the port that it replaces: all but blank lines and comments. */
const MOST_LINES = 60;
const COUNTED = ['main.ts', 'memory-keys.ts'];
const LIMIT_MS = 60_000;
const SOURCES = [...COUNTED, 'memory-keys.spec.ts', 'server-in-a-test.spec.ts', 'tsconfig.json'];

/** Packs a workspace and unpacks it where the package manager would. */
function install(folder, target, ...where) {
  const pack = ['pack', '--json', '--offline', '--ignore-scripts', '--pack-destination', folder, ...where];
  const [{ filename, files }] = JSON.parse(execFileSync('npm', pack, { cwd: repository, encoding: 'utf8' }));
  fs.mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', target, '--strip-components', '1']);
  return files.map(({ path }) => path);
}

/** Links what the packages depend on; they themselves are not taken from the repository. */
function linkDependencies(target) {
  const source = join(repository, 'node_modules');
  for (const name of fs.readdirSync(source)) {
    if (name === '@allspark' || name === 'allspark' || name.startsWith('.')) continue;
    if (!name.startsWith('@')) fs.symlinkSync(fs.realpathSync(join(source, name)), join(target, name));
    else {
      fs.mkdirSync(join(target, name));
      for (const inner of fs.readdirSync(join(source, name)))
        fs.symlinkSync(fs.realpathSync(join(source, name, inner)), join(target, name, inner));
    }
  }
}

function linesOfCode(text) {
  return text.split('\n').filter((line) => !/^\s*(\/\/.*|\/\*\*.*\*\/)?$/.test(line)).length;
}

async function start(folder, args, env) {
  const options = { cwd: folder, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] };
  const child = spawn(process.execPath, args, options);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('ready ')) return { url: line.slice('ready '.length), process: child };
  }
  throw new Error(`it ended before it was ready: ${args.join(' ')}`);
}

async function end({ process: child }) {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  return ended;
}

async function json(url, path, init) {
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function echo(url) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/echo`);
  await once(socket, 'open');
  socket.send(JSON.stringify({ event: 'echo', data: 'hello' }));
  const [data] = await once(socket, 'message');
  socket.close();
  return JSON.parse(String(data));
}

const send = (client) => client.send({ destId: 'bob', payload: 'hello' });

async function prove(folder, url) {
  const { signAuthKey } = await import(join(folder, 'node_modules/allspark/dist/index.js'));
  const { AllsparkClient, AllsparkError } = await import(join(folder, 'node_modules/@allspark/client/dist/index.js'));
  const client = async (sub, options) => {
    const authKey = () => signAuthKey({ sub, alg: 'HS256', secret: SECRET });
    const made = new AllsparkClient({ url, authKey, WebSocket, ...options });
    await made.connect();
    return made;
  };
  const Authorization = `Bearer ${await signAuthKey({ sub: 'bob', alg: 'HS256', secret: SECRET })}`;

  assert.deepEqual(await echo(url), { event: 'echo', data: 'hello' }, 'its own gateway answers');
  assert.equal((await json(url, '/api/blocked/mallory', { method: 'PUT' })).status, 200);
  const own = async () => (await json(url, '/api/blocked')).body;
  assert.deepEqual(await own(), { blocked: ['mallory'], keys: 0 }, 'its own calls answer, behind its own prefix');
  assert.equal((await fetch(`${url}/blocked`)).status, 404);

  assert.equal((await json(url, '/readyz')).status, 200, 'our calls have no prefix');
  const refused = await json(url, '/v1/inbox?limit=x', { headers: { Authorization } });
  assert.deepEqual([refused.status, refused.body.code], [400, 'invalid_field'], 'our calls have their own answers');
  assert.equal((await json(url, '/v1/inbox', { headers: { Authorization } })).status, 200);

  const made = await json(url, '/v1/pre-connections', { method: 'POST', headers: { Authorization } });
  assert.equal(made.status, 201);
  assert.equal((await own()).keys, 1, 'the key is in its store');
  const socket = new WebSocket(made.body.url);
  const [hello] = await once(socket, 'message');
  assert.equal(JSON.parse(String(hello)).type, -110, 'our websocket opens with a key of its store');
  socket.close();
  assert.equal((await own()).keys, 0, 'the key is used up there');

  const [alice, mallory] = [await client('alice'), await client('mallory')];
  assert.equal((await send(alice)).status, 'stored', 'who is not blocked gets through');
  const forbidden = (error) => error instanceof AllsparkError && error.code === 'forbidden';
  await assert.rejects(send(mallory), forbidden, 'who is blocked is refused');
  await Promise.all([alice.close(), mallory.close()]);
}

export async function runEmbedded() {
  const folder = fs.mkdtempSync(join(tmpdir(), 'allspark-embedded-'));
  try {
    const modules = join(folder, 'node_modules');
    fs.mkdirSync(modules);
    linkDependencies(modules);
    const packed = [
      ...install(folder, join(modules, 'allspark')),
      ...install(folder, join(modules, '@allspark/client'), '--workspace', 'sdk'),
    ];
    assert.deepEqual(
      packed.filter((path) => /\.spec\.|\/(gateways|storage|cli|config)\/.*testing\//.test(path)),
      [],
    );
    for (const path of ['README.md', 'LICENSE', 'bin/allspark.js', 'dist/testing.d.ts', 'docs/extending.md']) {
      assert.ok(packed.includes(path), `the package has ${path}`);
    }
    const code = COUNTED.reduce((sum, name) => sum + linesOfCode(fs.readFileSync(join(here, name), 'utf8')), 0);
    assert.ok(code <= MOST_LINES, `the example has ${code} lines of code, at most ${MOST_LINES}`);

    for (const name of SOURCES) fs.cpSync(join(here, name), join(folder, name));
    const run = (...args) => execFileSync(process.execPath, args, { cwd: folder, stdio: 'inherit', timeout: LIMIT_MS });
    fs.writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    run('node_modules/typescript/bin/tsc', '-p', '.');
    run('node_modules/vitest/vitest.mjs', 'run', '--dir', folder, 'memory-keys.spec.ts', 'server-in-a-test.spec.ts');

    const env = { PORT: '0', AUTH_SECRET: SECRET, DATA_DIR: join(folder, 'data'), DRAIN_READINESS_MS: '0' };
    const embedded = await start(folder, ['dist/main.js'], env);
    try {
      await prove(folder, embedded.url);
    } finally {
      await end(embedded);
    }

    const standalone = await start(folder, ['node_modules/allspark/bin/allspark.js', 'start'], env);
    assert.equal((await json(standalone.url, '/readyz')).status, 200);
    assert.deepEqual(await end(standalone), [0, null], 'the packed server node ends in good order');
    console.log(`embedded in ${code} lines, its own port among them: it answers for itself, and for us`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runEmbedded();
