import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedStore } from '../../src/storage/embedded/embedded-store.js';
import { freePorts } from '../support/free-ports.js';
import { runProgram } from '../support/server-process.js';

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'allspark-cli-'));
});

afterAll(() => rm(dataDir, { recursive: true, force: true }));

const run = (...args: string[]) => runProgram(args);

const made = async (...args: string[]) => (await run('token', 'make', '--data-dir', dataDir, ...args)).stdout[0] ?? '';
const verify = (...args: string[]) => run('token', 'verify', '--json', '--data-dir', dataDir, ...args);

describe('the command line', () => {
  it('lists its commands', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const command of ['start', 'doctor', 'config', 'store', 'sub', 'pub', 'inbox', 'token']) {
      expect(stdout.join('\n')).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
  });

  it('lists each setting as a flag of start', async () => {
    const { code, stdout } = await run('start', '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('  --port <port number>');
    expect(stdout).toContain('  --data-dir <path>');
  });

  it('tells the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect((await run('--version')).stdout).toEqual([version]);
  });

  it('ends with 64 for words that it does not know', async () => {
    expect(await run('fly')).toMatchObject({ code: 64 });
    expect(await run('sub', '--as', 'bob', '--loud')).toMatchObject({ code: 64 });
    expect(await run('pub', '--as', 'alice', '--to', 'bob', 'two', 'words', '--data-dir', dataDir)).toMatchObject({
      code: 64,
    });
  });

  it('names a command that help does not know', async () => {
    const { code, stderr } = await run('help', 'frob');
    expect(code).toBe(64);
    expect(stderr[0]).toBe("error: unknown command 'frob'");
    expect(await run('help', 'sub')).toMatchObject({ code: 0 });
  });

  it('ends with 64 and the rule for an id that cannot be one', async () => {
    for (const words of [
      ['sub', '--as', 'bad id'],
      ['pub', '--as', 'alice', '--client', 'bad id', '--to', 'bob', 'hi'],
    ]) {
      const { code, stderr } = await run(...words, '--url', 'http://127.0.0.1:9', '--data-dir', dataDir);
      expect(code).toBe(64);
      expect(stderr[0]).toMatch(/^allspark: (node|client) "bad id": wanted 1 to 128 characters/);
    }
  });

  it('says how to name the caller when nobody is named', async () => {
    const { code, stderr } = await run('pub', '--to', 'bob', 'hi', '--data-dir', dataDir);
    expect(code).toBe(64);
    expect(stderr.join('\n')).toContain('--as NODE');
    expect(stderr.join('\n')).toContain('ALLSPARK_KEY');
  });

  it('ends with 69 and names the address where nothing answers', async () => {
    const [closed] = await freePorts(1);
    const url = `http://127.0.0.1:${closed}`;
    const { code, stderr } = await run('sub', '--as', 'bob', '--url', url, '--data-dir', dataDir);
    expect(code).toBe(69);
    expect(stderr.join('\n')).toContain(`${url} (ECONNREFUSED)`);
    expect(stderr.join('\n')).toContain('npm start');
  });

  it('shows a stack only to those who asked for it', async () => {
    const args = ['token', 'make', '--data-dir', dataDir];
    expect((await runProgram(args)).stderr.join('\n')).not.toContain('    at ');
    expect((await runProgram(args, { env: { LOG_LEVEL: 'debug' } })).stderr.join('\n')).toContain('    at ');
  });
});

describe('token', () => {
  it('makes a key that verify accepts, wherever the settings stand among the words', async () => {
    const key = await made('alice', '--client', 'c1', '--role', 'app', '--ttl', '60');
    const { code, stdout } = await verify(key);
    expect(code).toBe(0);
    const identity = JSON.parse(stdout[0] ?? '') as Record<string, number>;
    expect(identity).toMatchObject({ valid: true, nodeId: 'alice', clientId: 'c1', role: 'app' });
    expect((identity['expiresAt'] ?? 0) - (identity['issuedAt'] ?? 0)).toBe(60);
  });

  it('reads a key from standard input', async () => {
    const key = await made('bob');
    const args = ['token', 'verify', '--data-dir', dataDir];
    const { code, stdout } = await runProgram(args, { input: `${key}\n` });
    expect(code).toBe(0);
    expect(stdout[0]).toContain('node bob');
  });

  it('ends with 77 and the reason for a key that was changed', async () => {
    const [head = '', claims = '', signature = ''] = (await made('bob')).split('.');
    const { code, stdout } = await verify([head, claims, signature.split('').toReversed().join('')].join('.'));
    expect(code).toBe(77);
    expect(stdout[0]).toContain('"valid":false');
  });

  it('signs nothing where there are public keys only', async () => {
    const env = { AUTH_JWKS_URI: 'https://keys.example/jwks' };
    const { code, stderr } = await runProgram(['token', 'make', 'bob', '--data-dir', dataDir], { env });
    expect(code).toBe(78);
    expect(stderr.join('\n')).toContain('cannot be signed here');
  });

  it('refuses a lifetime that the server would refuse', async () => {
    expect(await run('token', 'make', 'bob', '--ttl', '86401', '--data-dir', dataDir)).toMatchObject({ code: 64 });
  });
});

describe('config', () => {
  it('lists every fault at once and ends with 78', async () => {
    const { code, stderr } = await run('config', 'check', '--port', '99999', '--log-level=loud', '--data-dri', 'x');
    expect(code).toBe(78);
    expect(stderr.join('\n')).toContain('PORT');
    expect(stderr.join('\n')).toContain('LOG_LEVEL');
    expect(stderr.join('\n')).toContain('did you mean --data-dir?');
  });

  it('gives the faults to scripts, one object a line', async () => {
    const { code, stdout } = await run('config', 'check', '--port', '99999', '--json');
    expect(code).toBe(78);
    expect(stdout.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ variable: 'PORT' }]);
  });

  it('shows what is in effect and where it comes from, but no secret', async () => {
    const env = { AUTH_SECRET: 'a-secret-that-must-never-be-printed' };
    const { code, stdout } = await runProgram(['config', 'print', '--port', '8099'], { env });
    expect(code).toBe(0);
    expect(stdout.join('\n')).toMatch(/^PORT=8099 +# flag$/m);
    expect(stdout.join('\n')).not.toContain(env.AUTH_SECRET);
  });
});

describe('doctor', () => {
  it('gives a finding a line, and ends with 0 where nothing fails', async () => {
    const settings = ['--port', '0', '--disk-free-bytes', '0', '--data-dir', dataDir];
    const { code, stdout } = await run('doctor', '--json', ...settings);
    const findings = stdout.map((line) => JSON.parse(line) as { check: string; level: string });
    expect(code).toBe(0);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['node', 'port', 'store', 'disk space', 'secrets', 'file descriptors', 'clock']),
    );
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
  });

  it('ends with 74 when the data directory cannot be written', async () => {
    const { code, stdout } = await run('doctor', '--port', '0', '--data-dir', '/proc/nothing');
    expect(code).toBe(74);
    expect(stdout.join('\n')).toMatch(/^fail +store/m);
  });
});

describe('store new-epoch', () => {
  it('begins another history and names both', async () => {
    const store = await EmbeddedStore.open({ dataDir });
    const first = store.epoch();
    await store.close();
    const renew = async () =>
      JSON.parse((await run('store', 'new-epoch', '--json', '--data-dir', dataDir)).stdout[0] ?? '') as unknown;
    const { before, after } = (await renew()) as Record<string, string>;
    expect(before).toBe(first);
    expect(after).not.toBe(before);
    expect(await renew()).toMatchObject({ before: after });
  });

  it('makes no store where there is none', async () => {
    const { code, stderr } = await run('store', 'new-epoch', '--data-dir', join(dataDir, 'elsewhere'));
    expect(code).toBe(74);
    expect(stderr.join('\n')).toContain('there is no store');
  });
});
