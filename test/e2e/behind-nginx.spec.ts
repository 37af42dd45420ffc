import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { LookupOptions } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { makeCertificate } from '../support/certificates.js';
import { freePorts } from '../support/free-ports.js';
import { findNginx, Nginx, rendered } from '../support/nginx.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { SECRET } from '../support/test-server.js';

const DOMAIN = 'allspark.example.com';
const NODES = [1, 2, 3];
const PER_ADDRESS = 3;
const MIB = 1_048_576;

const binary = findNginx();
const sample = readFileSync(new URL('../../config/nginx/nginx.conf', import.meta.url), 'utf8');
const pair = makeCertificate();
const sockets: WebSocket[] = [];

let folder: string;
let nginx: Nginx;
let servers: ServerProcess[];
let ports: number[];
let securePort: number;
let plainPort: number;

const ownName = (node: number): string => `n${node}.${DOMAIN}`;

beforeAll(async () => {
  if (binary === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'allspark-nginx-'));
  [securePort = 0, plainPort = 0, ...ports] = await freePorts(2 + NODES.length);
  writeFileSync(join(folder, 'tls.crt'), pair.cert);
  writeFileSync(join(folder, 'tls.key'), pair.key);
  servers = await Promise.all(NODES.map((node) => serverNode(node)));
  nginx = await Nginx.start(binary, folder, configuration(), securePort);
}, 120_000);
afterEach(() => sockets.splice(0).forEach((socket) => socket.terminate()));
afterAll(async () => {
  await nginx?.stop();
  await Promise.all((servers ?? []).map((server) => server.kill()));
  if (folder) rmSync(folder, { recursive: true, force: true });
});

function configuration(): string {
  return rendered(sample, [
    ...NODES.map((node) => [`allspark-${node}:8080`, `127.0.0.1:${ports[node - 1]}`] as const),
    ['443 ssl', `127.0.0.1:${securePort} ssl`],
    ['listen 80 ', `listen 127.0.0.1:${plainPort} `],
    ['/etc/nginx/tls', folder],
    ['/var/log/nginx', folder],
    ['worker_connections 30000', 'worker_connections 512'],
    // Each one takes turns by itself: with many of them a few calls can all go to the same server node.
    ['worker_processes auto', 'worker_processes 1'],
    ['worker_rlimit_nofile 65536;', ''],
  ]);
}

function serverNode(node: number): Promise<ServerProcess> {
  const env = {
    AUTH_SECRET: SECRET,
    PORT: String(ports[node - 1]),
    LISTEN_ADDRESS: '127.0.0.1',
    HOST_ADDRESS: '127.0.0.1',
    PUBLIC_URL: `https://${ownName(node)}:${securePort}`,
    TRUSTED_PROXIES: '127.0.0.1',
    ALLOWED_ORIGINS: 'https://app.example.com',
    CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
    HTTP_RATE_PER_SECOND: '0',
    DRAIN_READINESS_MS: '60000',
    DRAIN_TOTAL_MS: '90000',
  };
  return startServer({ env, args: [`--port=${ports[node - 1]}`], dataDir: join(folder, 'data') });
}

const keyOf = (sub: string): Promise<string> =>
  signAuthKey({ sub, clientId: undefined, role: undefined, ttlSeconds: undefined, alg: 'HS256', secret: SECRET });

/** Names lead to this machine; the certificate has other names, and is known all the same. */
const throughTls = {
  ca: pair.cert,
  checkServerIdentity: () => undefined,
  lookup: (_name: string, { all }: LookupOptions, found: Parameters<LookupFunction>[2]): void =>
    all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
};

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function call(host: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  const authorization = `Bearer ${await keyOf('caller')}`;
  const method = body === undefined ? 'GET' : 'POST';
  const asked = request({ ...throughTls, host, servername: host, port: securePort, path, method, agent: false });
  for (const [name, value] of Object.entries({ authorization, 'content-type': 'application/json', ...headers })) {
    asked.setHeader(name, value);
  }
  const answered = once(asked, 'response');
  asked.end(body);
  const [response] = (await answered) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

/** A body of so many bytes. */
const sized = (bytes: number): string => JSON.stringify({ messages: 'x'.repeat(bytes - 15) });

interface Opening {
  readonly from?: string;
  readonly headers?: Record<string, string>;
}

const origin = (value: string): Opening => ({ headers: { origin: value }, from: '127.0.0.6' });

/** The greeting, or the status of a refused handshake. */
async function open(address: string, { from = '127.0.0.2', headers = {} }: Opening = {}): Promise<unknown> {
  const tls = address.startsWith('wss:') ? throughTls : {};
  const socket = new WebSocket(address, { ...tls, localAddress: from, headers });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString('utf8'))));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.once('error', reject);
  });
}

const socketAddress = (host: string): string => `wss://${host}:${securePort}/connect`;

async function openAs(node: string, host: string, opening: Opening = {}): Promise<unknown> {
  const headers = { authorization: `Bearer ${await keyOf(node)}`, ...opening.headers };
  return open(socketAddress(host), { ...opening, headers });
}

describe.skipIf(binary === undefined)('behind the sample of nginx', () => {
  it('one host name balances calls over all server nodes', async () => {
    for (let turn = 0; turn < 6; turn += 1) {
      expect(await call(DOMAIN, '/v1/inbox')).toMatchObject({ status: 200 });
    }
    for (const port of ports) expect(nginx.log('access')).toContain(`127.0.0.1:${port}`);
  });

  it('a pre-connection names the server node’s own host name, and its websocket goes there', async () => {
    const seen = new Set<string>();
    // Each hears of the others by their heartbeats.
    while (seen.size < NODES.length) {
      const { status, body } = await call(DOMAIN, '/v1/pre-connections', '{}');
      expect(status).toBe(201);
      const { url, server } = JSON.parse(body) as { url: string; server: { port: number } };
      const { hostname, protocol, port } = new URL(url);
      expect([protocol, Number(port)]).toEqual(['wss:', securePort]);
      expect(hostname).toBe(ownName(ports.indexOf(server.port) + 1));
      if (!seen.has(hostname)) expect(await open(url)).toMatchObject({ type: -110, node_id: 'caller' });
      seen.add(hostname);
    }
  });

  it('each host name of a server node leads to that one', async () => {
    const ids = new Set<unknown>();
    for (const node of NODES) {
      const greeting = (await openAs(`node-${node}`, ownName(node))) as Record<string, unknown>;
      expect(greeting).toMatchObject({ type: -110, node_id: `node-${node}` });
      expect(nginx.log('access')).not.toContain('validation_key');
      ids.add(greeting['server_node_id'] ?? node);
    }
    expect(ids.size).toBe(NODES.length);
  });

  it('limits of an address count the client’s own, not nginx’s', async () => {
    // Of nobody before: what these held may not have ended yet.
    const from = '127.0.0.7';
    for (const place of [1, 2, 3]) {
      expect(await openAs(`first-${place}`, ownName(1), { from })).toMatchObject({ type: -110 });
    }
    expect(await openAs('fourth', ownName(1), { from })).toBe(429);
    expect(await openAs('other', ownName(1), { from: '127.0.0.3' })).toMatchObject({ type: -110 });
  });

  it('nobody chooses an address: what a client says of it is ignored, through nginx and past it', async () => {
    const direct = `ws://127.0.0.1:${ports[1]}/connect`;
    for (const [from, address] of [
      ['127.0.0.4', socketAddress(ownName(2))],
      ['127.0.0.5', direct],
    ] as const) {
      for (const place of [1, 2, 3, 4]) {
        const headers = {
          authorization: `Bearer ${await keyOf(`liar-${place}`)}`,
          'x-forwarded-for': `9.9.9.${place}`,
        };
        const outcome = await open(address, { from, headers });
        if (place <= PER_ADDRESS) expect(outcome).toMatchObject({ type: -110 });
        else expect(outcome).toBe(429);
      }
    }
  });

  it('origins are judged as without it', async () => {
    expect(await openAs('page', ownName(1), origin('https://app.example.com'))).toMatchObject({ type: -110 });
    expect(await openAs('page', ownName(1), origin('https://evil.example'))).toBe(403);
  });

  it('bodies are limited as by the server, and long keys pass', async () => {
    const biggest = await call(DOMAIN, '/v1/messages', sized(4 * MIB));
    expect(biggest.body).toContain('"code":');
    expect(await call(DOMAIN, '/v1/messages', sized(4 * MIB + 1))).toMatchObject({ status: 413 });
    const long = { authorization: `Bearer ${'x'.repeat(12_000)}` };
    expect(await call(DOMAIN, '/v1/inbox', undefined, long)).toMatchObject({ status: 401 });
  });

  it('plain HTTP is sent to TLS, and names of nobody are not served', async () => {
    const plain = await fetch(`http://127.0.0.1:${plainPort}/v1/inbox?x=1`, { redirect: 'manual' });
    expect(plain.status).toBe(308);
    expect(plain.headers.get('location')).toBe('https://127.0.0.1/v1/inbox?x=1');
    expect(await call('other.example.com', '/readyz')).toMatchObject({ status: 421 });
  });

  it('one server node that is gone, and one that goes, keep nobody from a pre-connection', async () => {
    await servers[2]?.kill();
    process.kill(servers[1]?.pid ?? 0, 'SIGTERM');
    for (let turn = 0; turn < 9; turn += 1) {
      expect(await call(DOMAIN, '/v1/pre-connections', '{}')).toMatchObject({ status: 201 });
    }
  });
});
