import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, makeCertificate, MountedPair } from '../support/certificates.js';
import { freePorts } from '../support/free-ports.js';
import { Program, runProgram } from '../support/server-process.js';

const SECRET = 'a secret of the tests, at least 32 bytes long';

let folder: string;
let mounted: MountedPair;
let pair: Certificate;
let programs: Program[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'allspark-tls-'));
  mounted = new MountedPair(folder);
  pair = makeCertificate();
  await mounted.mount(pair);
  await writeFile(join(folder, 'trusted.pem'), pair.cert);
  programs = [];
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.kill()));
  await rm(folder, { recursive: true, force: true });
});

const serverEnv = (): Record<string, string> => ({
  ...mounted.settings,
  AUTH_SECRET: SECRET,
  DATA_DIR: join(folder, 'data'),
  PORT: '0',
  METRICS_ADDRESS: '127.0.0.1:0',
  DRAIN_READINESS_MS: '0',
  DRAIN_SPREAD_MS: '0',
});

async function startServer(settings: Record<string, string> = {}): Promise<{ program: Program; url: string }> {
  const program = new Program(['start'], { env: { ...serverEnv(), ...settings } });
  programs.push(program);
  return { program, url: (await program.line(/^ready /)).replace('ready ', '') };
}

/** What a client on this machine is told beside the address. */
const clientEnv = (): Record<string, string> => ({
  AUTH_SECRET: SECRET,
  NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem'),
});

const statusOf = (url: string, ca: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(`${url}/readyz`, { ca, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject);
  });

describe('a server node with a certificate', () => {
  it('says https, and carries messages over wss from end to end', async () => {
    const { url } = await startServer();
    expect(url).toMatch(/^https:\/\/localhost:\d+$/);
    expect(await statusOf(url, pair.cert)).toBe(200);

    const options = { env: clientEnv() };
    const reader = new Program(['sub', '--as', 'bob', '--url', url, '--count', '1'], options);
    programs.push(reader);
    const sent = await runProgram(
      ['pub', '--as', 'alice', '--role', 'app', '--to', 'bob', 'hello', '--url', url],
      options,
    );
    expect(sent).toMatchObject({ code: 0 });
    expect(await reader.line(/hello/)).toContain('hello');
  });

  it('takes a renewed certificate without a restart, and keeps the connections that it has', async () => {
    const { program, url } = await startServer();
    const token = await runProgram(['token', 'make', 'ann'], { env: { AUTH_SECRET: SECRET } });
    const headers = { authorization: `Bearer ${token.stdout[0]}` };
    const socket = new WebSocket(`${url.replace('https', 'wss')}/connect`, { ca: pair.cert, headers });
    await once(socket, 'message');

    const renewed = makeCertificate();
    await mounted.swap(renewed);
    await program.news(/a new certificate is in use/);
    expect(await statusOf(url, renewed.cert)).toBe(200);
    await expect(statusOf(url, pair.cert)).rejects.toThrow(/self-signed|verify/);

    const answer = once(socket, 'message');
    socket.send('{"type":-120,"id":"still"}');
    expect(String((await answer)[0])).toContain('"still"');
    socket.terminate();
  });

  it('takes a renewed certificate on INTERNAL_ADDRESS, too', async () => {
    const [port] = await freePorts(1);
    const { program } = await startServer({ INTERNAL_ADDRESS: `127.0.0.1:${port}` });
    expect(await statusOf(`https://127.0.0.1:${port}`, pair.cert)).toBe(404);
    const renewed = makeCertificate();
    await mounted.swap(renewed);
    await program.news(/a new certificate is in use on the listener of links/);
    expect(await statusOf(`https://127.0.0.1:${port}`, renewed.cert)).toBe(404);
  });

  it('leaves METRICS_ADDRESS as it is: plain HTTP', async () => {
    const [port] = await freePorts(1);
    const { url } = await startServer({ METRICS_ADDRESS: `127.0.0.1:${port}` });
    const page = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('allspark_connections 0')]);
    await expect(statusOf(`https://127.0.0.1:${port}`, pair.cert)).rejects.toThrow(/SSL|wrong version|EPROTO/);
    await expect(fetch(`${url.replace('https', 'http')}/metrics`)).rejects.toThrow();
    expect(await statusOf(url, pair.cert)).toBe(200);
  });

  it('says nothing of those who do not get through the handshake, and stays', async () => {
    const { program, url } = await startServer();
    const before = program.stderr.length;
    for (let index = 0; index < 50; index += 1) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
      socket.end('GET / HTTP/1.1\r\n\r\n');
      socket.resume();
      await once(socket, 'close');
    }
    expect(await statusOf(url, pair.cert)).toBe(200);
    expect(program.stderr.slice(before)).toEqual([]);
  });

  it('tells clients of itself with wss', async () => {
    const { url } = await startServer();
    const token = await runProgram(['token', 'make', 'ann'], { env: { AUTH_SECRET: SECRET } });
    const answer = await postJson(`${url}/v1/pre-connections`, token.stdout[0] ?? '', pair.cert);
    expect(answer).toMatchObject({
      url: expect.stringMatching(/^wss:\/\/localhost:\d+\/connect\?validation_key=/),
      server: { tls: true },
    });
    const socket = new WebSocket((answer as { url: string }).url, { ca: pair.cert });
    expect(String((await once(socket, 'message'))[0])).toContain('-110');
    socket.terminate();
  });

  it.each<[string, Partial<Certificate>, RegExp]>([
    ['a key that is of another certificate', { key: makeCertificate().key }, /TLS_KEY_FILE/],
    ['a certificate that is none', { cert: 'hello' }, /TLS_KEY_FILE|TLS_CERT_FILE/],
    ['an empty key', { key: '' }, /TLS_KEY_FILE/],
  ])('does not start with %s, and names the setting', async (_what, wrong, named) => {
    await mounted.swap({ ...pair, ...wrong });
    const { code, stderr, stdout } = await runProgram(['start'], { env: serverEnv() });
    expect([code, stdout]).toEqual([78, []]);
    expect(stderr.join('\n')).toMatch(named);
    expect(stderr.join('\n')).not.toMatch(/PRIVATE KEY| at /);
  });
});

function postJson(url: string, key: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const call = request(url, { method: 'POST', ca, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve(JSON.parse(text)));
    });
    call.on('error', reject).end();
  });
}
