import { afterEach, describe, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { RawSocket } from '../support/raw-socket.js';
import { runProgram } from '../support/server-process.js';
import { Talker } from '../support/talker.js';

const DRAINED = { code: 1012, reason: expect.stringMatching(/^retry_after_ms=\d+$/) as unknown };

let server: ProcessNode;
afterEach(async () => {
  Talker.hangUp();
  await server.remove();
});

const count = (lines: readonly string[], pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;

describe('on SIGTERM', { timeout: 30_000 }, () => {
  it('every connection is closed with 1012, what was sent before is answered, and the process exits with 0', async () => {
    server = await ProcessNode.start();
    const talkers = await Promise.all(['alice', 'bob', 'bob', 'carol'].map((id) => Talker.open(server, id)));
    const [alice] = talkers as [Talker];
    for (let turn = 0; turn < 20; turn += 1) alice.send({ dest_id: 'bob', id: `m${turn}` });
    for (let turn = 0; turn < 20; turn += 1) await alice.answerTo(`m${turn}`);
    const exit = server.kill('SIGTERM');
    for (const talker of talkers) expect(await talker.ended).toEqual(DRAINED);
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  it('readiness goes off first, nobody new is let in, and those who are connected go on meanwhile', async () => {
    server = await ProcessNode.start({ DRAIN_READINESS_MS: '3000' });
    const [alice, bob] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'bob')]);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    const exit = server.kill('SIGTERM');
    while ((await fetch(`${server.url}/readyz`)).status === 200);
    expect(await server.json('carol', '/v1/pre-connections', {})).toMatchObject({
      status: 503,
      code: 'no_server_node',
    });
    const headers = { authorization: `Bearer ${await server.key('carol')}` };
    const { socket, response } = await RawSocket.upgrade(server.port, '/connect', headers);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    socket.destroy();
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect(await alice.ask({ dest_id: 'bob', payload: 'still' })).toMatchObject({ status: 'stored' });
    expect(await bob.nextEntries(1)).toMatchObject([{ payload: 'still' }]);
    expect(await bob.ended).toEqual(DRAINED);
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  it('twice, there is one drain', async () => {
    server = await ProcessNode.start({ DRAIN_READINESS_MS: '1000' });
    const bob = await Talker.open(server, 'bob');
    void server.kill('SIGTERM');
    while ((await fetch(`${server.url}/readyz`)).status === 200);
    const exit = server.kill('SIGTERM');
    expect(await bob.ended).toEqual(DRAINED);
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(count(server.stderr, /going away/)).toBe(1);
    expect(count(server.stderr, /closing 1 connections/)).toBe(1);
  });

  it('a peer that reads and closes nothing holds nobody up for longer than the drain may take', async () => {
    server = await ProcessNode.start({ DRAIN_TOTAL_MS: '2000', DRAIN_SPREAD_MS: '100' });
    const headers = { authorization: `Bearer ${await server.key('stuck')}` };
    const { socket } = await RawSocket.upgrade(server.port, '/connect', headers);
    await socket.nextJson();
    socket.pause();
    const bob = await Talker.open(server, 'bob');
    const began = Date.now();
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await bob.ended).toEqual(DRAINED);
    socket.destroy();
  });

  it('clients of the library come back to the process that follows, and go on where they were', async () => {
    server = await ProcessNode.start();
    const received: unknown[] = [];
    let seen!: () => void;
    const both = new Promise<void>((resolve) => (seen = resolve));
    const bob = server.client('bob', {
      onMessage: ({ payload }) => void (received.push(payload) === 2 && seen()),
    });
    const alice = server.client('alice');
    await Promise.all([bob.connect(), alice.connect()]);
    await alice.send({ destId: 'bob', payload: 'before' });
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0 });
    const later = alice.send({ destId: 'bob', payload: 'meanwhile' });
    await server.restart();
    expect(await later).toMatchObject({ status: 'stored' });
    await both;
    expect(received).toEqual(['before', 'meanwhile']);
  });
});

describe('at the start', { timeout: 30_000 }, () => {
  it('the ready line carries the base url, once everything answers', async () => {
    server = await ProcessNode.start();
    expect(server.stdout.filter((line) => line.startsWith('ready'))).toEqual([`ready ${server.url}`]);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  it('a busy port is said so, and the exit code is that of a service that is not available', async () => {
    server = await ProcessNode.start();
    const second = await runProgram(['start', '--port', String(server.port), '--data-dir', server.dataDir]);
    expect(second.code).toBe(69);
    expect(second.stdout.filter((line) => line.startsWith('ready'))).toEqual([]);
    expect(second.stderr.join('\n')).toMatch(new RegExp(`[Pp]ort ${server.port}.* in use`));
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});
