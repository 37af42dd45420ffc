import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadOrMakeSecret, type Role, signAuthKey } from '../../src/modules/auth/index.js';
import { Program, runProgram, startServer, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let secret: string;
let started: Program[] = [];

beforeAll(async () => {
  server = await startServer();
  secret = await loadOrMakeSecret(join(server.dataDir, 'auth.secret'));
});

afterAll(() => server.kill());

afterEach(async () => {
  await Promise.all(started.map((program) => program.kill()));
  started = [];
});

async function runAs(sub: string, args: string[], role?: Role) {
  const key = await signAuthKey({ sub, role, alg: 'HS256', secret });
  return runProgram([...args, '--url', server.url], { env: { ALLSPARK_KEY: key } });
}

async function subscriber(sub: string, ...args: string[]): Promise<Program> {
  const program = new Program(['sub', '--as', sub, ...args, '--url', server.url, '--data-dir', server.dataDir]);
  started.push(program);
  await program.news(/^connected to /);
  return program;
}

/** Under an id of its own, by a backend: ids that the server makes may begin with a dash. */
async function sessionWith(id: string, ...members: string[]): Promise<string> {
  const seats = members.flatMap((member) => ['--member', member]);
  const made = await runAs('backend', ['session', 'create', '--id', id, '--anyone-can-join', ...seats], 'app');
  expect(made).toMatchObject({ code: 0, stdout: [id] });
  return id;
}

describe('session', () => {
  it('is heard by sub: who joins under which alias, who writes, and who it was', async () => {
    const id = await sessionWith('s-heard', 'alice');
    const alice = await subscriber('alice');
    const joined = await runAs('bob', ['session', 'join', id, '--anonymous']);
    expect(joined.stdout).toEqual([expect.stringMatching(/^~\S+ \(member, anonymous\) is in s-heard$/)]);
    const [alias = ''] = joined.stdout[0]?.split(' ') ?? [];
    await alice.line(new RegExp(`session s-heard: ${alias} joined`));
    const sent = await runAs('bob', ['pub', '--session', id, '--member', 'alice', '--id', 'm1', 'hello']);
    expect(sent).toMatchObject({ code: 0, stdout: ['stored m1'] });
    await alice.line(new RegExp(`${alias} \\(session s-heard, privately to alice\\) -> "hello"`));
    const revealed = await runAs('bob', ['session', 'reveal', id]);
    expect(revealed.stdout).toEqual(['bob (member) is visible in s-heard']);
    await alice.line(new RegExp(`session s-heard: ${alias} is bob`));
  });

  it('is shown, listed and read, and left and ended', async () => {
    const id = await sessionWith('s-life', 'alice', 'carol');
    await runAs('carol', ['pub', '--session', id, 'hello']);
    expect((await runAs('carol', ['session', 'info', id])).stdout.slice(-3)).toEqual([
      '2 members:',
      '  alice (member)',
      '  carol (member)',
    ]);
    expect((await runAs('carol', ['session', 'list'])).stdout).toEqual(['s-life: normal, owner backend', '-- 1 shown']);
    expect((await runAs('carol', ['session', 'leave', id])).stdout).toEqual(['left s-life']);
    const read = await runAs('alice', ['session', 'history', id]);
    expect(read.stdout.map((line) => line.replace(/^[\d:.]+ /, ''))).toEqual([
      expect.stringMatching(/^carol \(session s-life\) -> "hello" {2}\[session_seq \d+\]$/),
      expect.stringMatching(/^session s-life: carol left {2}\[session_seq \d+\]$/),
      expect.stringMatching(/^-- 2 shown \(tail \d+\)$/),
    ]);
    expect((await runAs('backend', ['session', 'end', id], 'app')).stdout).toEqual(['ended s-life']);
  });

  it('ends with 77 for a stranger, and with 64 when no session is named', async () => {
    const id = await sessionWith('s-closed', 'alice');
    for (const args of [
      ['session', 'info', id],
      ['session', 'history', id],
      ['pub', '--session', id, 'hi'],
    ]) {
      const { code, stderr } = await runAs('mallory', args);
      expect(code).toBe(77);
      expect(stderr.join('\n')).toContain('session_denied');
    }
    expect((await runAs('alice', ['session', 'info'])).code).toBe(64);
    expect((await runAs('alice', ['pub', '--member', 'bob', 'hi'])).code).toBe(64);
  });

  it('gives its facts as JSON, the frames of its history as they are', async () => {
    const id = await sessionWith('s-json', 'alice');
    await runAs('alice', ['pub', '--session', id, '{"n":1e400}']);
    const info = await runAs('alice', ['session', 'info', id, '--json']);
    expect(JSON.parse(info.stdout.join(''))).toMatchObject({ sessionId: id, you: { nodeId: 'alice' } });
    const [frame, summary] = (await runAs('alice', ['session', 'history', id, '--json'])).stdout;
    expect(frame).toContain('"payload":{"n":1e400}');
    expect(JSON.parse(summary ?? '')).toMatchObject({ summary: { shown: 1, complete: true } });
  });
});
