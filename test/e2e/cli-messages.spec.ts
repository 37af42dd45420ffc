import { join } from 'node:path';
import { rawField } from '@allspark/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadOrMakeSecret, signAuthKey } from '../../src/modules/auth/index.js';
import { Program, runProgram, startServer, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let started: Program[] = [];

beforeAll(async () => {
  server = await startServer({ env: { PRESENCE: 'all' } });
});

afterAll(() => server.kill());

afterEach(async () => {
  await Promise.all(started.map((program) => program.kill()));
  started = [];
});

const where = () => ['--url', server.url, '--data-dir', server.dataDir];
const run = (args: string[]) => runProgram([...args, ...where()]);

/** Cheaper than --as: the program need not load what signs a key. */
async function runAs(sub: string, args: string[], input = '') {
  const key = await signAuthKey({
    sub,
    alg: 'HS256',
    secret: await loadOrMakeSecret(join(server.dataDir, 'auth.secret')),
  });
  return runProgram([...args, '--url', server.url], { input, env: { ALLSPARK_KEY: key } });
}

/** Every test has nodes of its own: a node is known once it made a call. */
async function knownNode(name: string): Promise<string> {
  await runAs(name, ['inbox']);
  return name;
}

async function subscriber(name: string, ...args: string[]): Promise<Program> {
  const program = new Program(['sub', '--as', name, ...args, ...where()]);
  started.push(program);
  await program.news(/^connected to /);
  return program;
}

const acknowledged = async (name: string): Promise<number> => {
  const { stdout } = await runAs(name, ['inbox', '--json']);
  return (JSON.parse(stdout.at(-1) ?? '') as { summary: { ackedSeq: number } }).summary.ackedSeq;
};

const payloads = (lines: readonly string[]) => lines.map((line) => rawField(line, 'payload'));

describe('pub and sub', () => {
  it('bring a message to somebody who was away, once', async () => {
    const bob = await knownNode('away');
    const sent = await run(['pub', '--as', 'alice', '--to', bob, '{"n":1}']);
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.stdout).toEqual([expect.stringMatching(/^stored \S+$/)]);
    expect(sent.stderr).toEqual([expect.stringMatching(/^away is not connected: \S+ waits in the inbox$/)]);

    const received = await run(['sub', '--as', bob, '--count', '1']);
    expect(received).toMatchObject({ code: 0 });
    expect(received.stdout).toEqual([expect.stringMatching(/ alice -> \{"n":1\} {2}\[seq 1\]$/)]);
    expect(await acknowledged(bob)).toBe(1);
  });

  it('acknowledge no more than --count', async () => {
    const bob = await knownNode('counting');
    await runAs('alice', ['pub', '--to', bob], 'one\ntwo\nthree\n');
    expect((await runAs(bob, ['sub', '--count', '2'])).stdout).toHaveLength(2);
    expect(await acknowledged(bob)).toBe(2);
  });

  it('acknowledge what was printed when Ctrl-C ends them', async () => {
    const bob = await subscriber('interrupted');
    await runAs('alice', ['pub', '--to', 'interrupted', 'hi']);
    await bob.line(/"hi"/);
    expect(await bob.kill('SIGINT')).toEqual({ code: 0, signal: null });
    expect(bob.stderr.at(-1)).toBe('bye, acknowledged up to seq 1');
    expect(await acknowledged('interrupted')).toBe(1);
  });

  it('end in good order when one Ctrl-C comes twice, as through npx', async () => {
    const bob = await subscriber('echoed');
    void bob.kill('SIGINT');
    expect(await bob.kill('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('keep the order of the lines of standard input', async () => {
    const bob = await knownNode('ordered');
    const lines = Array.from({ length: 50 }, (_, n) => String(n));
    const sent = await runAs('alice', ['pub', '--to', bob], lines.join('\n'));
    expect(sent.code).toBe(0);
    expect(sent.stdout).toHaveLength(lines.length);
    const received = await runAs(bob, ['sub', '--json', '--count', String(lines.length)]);
    expect(payloads(received.stdout)).toEqual(lines);
  });

  it('pass JSON on byte for byte and any other text as a JSON string', async () => {
    const bob = await knownNode('exact');
    const texts = ['{"a":1e400, "a":1152921504606846977}', 'hello "world"', '-5'];
    for (const text of texts) await runAs('alice', ['pub', '--to', bob, text]);
    const received = await runAs(bob, ['sub', '--json', '--count', '3']);
    expect(payloads(received.stdout)).toEqual([texts[0], String.raw`"hello \"world\""`, '-5']);
  });

  it('store a message once that is sent again under its id', async () => {
    const bob = await knownNode('twice');
    const send = () => runAs('alice', ['pub', '--to', bob, '--id', 'm1', 'hi']);
    expect((await send()).stdout).toEqual(['stored m1']);
    expect((await send()).stdout).toEqual(['duplicate m1']);
  });

  it('wait for the receiver with --report', async () => {
    await subscriber('reporting');
    const sent = await runAs('alice', ['pub', '--to', 'reporting', '--id', 'm1', '--report', 'hi']);
    expect(sent).toMatchObject({ code: 0, stdout: ['stored m1', 'delivered m1 by reporting'] });
  });

  it('reach who is connected with --transient', async () => {
    const bob = await subscriber('present');
    const sent = await runAs('alice', ['pub', '--to', 'present', '--id', 'm1', '--transient', 'now']);
    expect(sent).toMatchObject({ code: 0, stdout: ['sent m1'] });
    await expect(bob.line(/"now"/)).resolves.toContain('[transient]');
  });
});

describe('pub', () => {
  it('ends with 65, the code and the reason when the server refuses for good', async () => {
    const { code, stderr } = await runAs('alice', ['pub', '--to', 'nobody-ever', '--id', 'm1', 'hi']);
    expect(code).toBe(65);
    expect(stderr.join('\n')).toMatch(/^refused m1 node_unknown: /m);
  });

  it('says how a node becomes known when it is not', async () => {
    const { stderr } = await runAs('alice', ['pub', '--to', 'nobody-ever'], 'one\ntwo\n');
    expect(stderr.filter((line) => line.includes('npx allspark sub --as nobody-ever'))).toHaveLength(1);
  });

  it('says so when what looks like JSON goes out as text', async () => {
    const bob = await knownNode('careful');
    const sent = await runAs('alice', ['pub', '--to', bob, '--id', 'm1', '{bad']);
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.stderr[0]).toBe('m1 is not JSON, sent as text');
    expect((await runAs('alice', ['pub', '--to', bob, 'plain'])).stderr.join('\n')).not.toContain('not JSON');
  });

  it('ends with 77 when the key is not accepted', async () => {
    const args = ['pub', '--as', 'alice', '--to', 'bob', 'hi', '--url', server.url];
    const { code, stderr } = await runProgram(args, { env: { AUTH_SECRET: 'another secret of more than 32 bytes' } });
    expect(code).toBe(77);
    expect(stderr.join('\n')).toContain('AUTH_SECRET');
  });
});

describe('inbox', () => {
  it('shows what waits without taking it out, until --ack', async () => {
    const bob = await knownNode('reading');
    await runAs('alice', ['pub', '--to', bob, 'hi']);
    const read = await runAs(bob, ['inbox']);
    expect(read.stdout).toEqual([expect.stringContaining('"hi"'), expect.stringContaining('1 not acknowledged')]);
    expect(await acknowledged(bob)).toBe(0);
    expect((await runAs(bob, ['inbox', '--ack', '1'])).stdout).toEqual(['acknowledged up to seq 1']);
    expect(await acknowledged(bob)).toBe(1);
  });
});

describe('doctor', () => {
  it('recognises the server that holds the port', async () => {
    const { port } = new URL(server.url);
    const { stdout } = await runProgram(['doctor', '--port', port, '--data-dir', server.dataDir]);
    expect(stdout.join('\n')).toMatch(/^ok +port +a server is running/m);
    expect(stdout.join('\n')).toMatch(/^ok +secrets .*auth\.secret/m);
    expect(stdout.join('\n')).toMatch(/^ok +clock of server/m);
  });
});
