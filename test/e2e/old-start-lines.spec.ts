import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { freshCheckout } from '../support/checkout.js';
import { freePorts } from '../support/free-ports.js';
import { Shell } from '../support/shell.js';
import { type Endpoint, Talker } from '../support/talker.js';
import type { KeyRequest } from '../support/test-server.js';

const HOSTS = ['a.example', 'b.example', 'c.example'];
const TIMEOUT = { timeout: 300_000 };

let folder: string;
let shell: Shell;
let nodes: Endpoint[];

/** Three lines as scripts have them since long; nothing is compiled yet, and there is no data directory. */
beforeAll(async () => {
  folder = freshCheckout();
  const ports = await freePorts(HOSTS.length);
  const lines = HOSTS.map(
    (host, at) =>
      `nohup npm start -- --host_address=127.0.0.1 --port=${ports[at]} --proxy_80_port=${host} --force=True &`,
  );
  shell = new Shell(lines.join('\n'), folder, { LISTEN_ADDRESS: '127.0.0.1', DRAIN_READINESS_MS: '0' });
  const ready = await shell.find(/^ready /, HOSTS.length);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  expect(ready.toSorted()).toEqual(urls.map((url) => `ready ${url}`).toSorted());
  nodes = urls.map((url) => ({ url, key }));
}, TIMEOUT.timeout);
afterEach(() => Talker.hangUp());
afterAll(async () => {
  shell?.signal('SIGKILL');
  await shell?.ended;
  rmSync(folder, { recursive: true, force: true });
});

/** Signed with the one secret that the three made together. */
function key(sub: string, { clientId, role, ttlSeconds }: KeyRequest = {}): Promise<string> {
  const secret = readFileSync(join(folder, 'data/auth.secret'), 'utf8').split('\n')[0] ?? '';
  return signAuthKey({ sub, clientId, role, ttlSeconds, alg: 'HS256', secret });
}

async function hostFor(newcomer: string, base: string): Promise<string> {
  const headers = { authorization: `Bearer ${await key(newcomer)}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify({ need_80_port: true }) };
  const { url } = (await (await fetch(`${base}/v1/pre-connections`, init)).json()) as { url: string };
  expect(new URL(url).port).toBe('');
  return new URL(url).hostname;
}

const talkers = (): Promise<Talker[]> => Promise.all(nodes.map((node, at) => Talker.open(node, `node-${at}`)));

describe('three old start lines, run at the same time', TIMEOUT, () => {
  it('compile once', () => {
    expect(shell.lines.filter((line) => line.startsWith('Compiling'))).not.toEqual([]);
    expect(shell.lines.filter((line) => /error/i.test(line))).toEqual([]);
  });

  it('know each other, and send clients to whom only port 80 is open to their host names', async () => {
    for (const { url } of nodes) {
      const seen = new Set<string>();
      // A server node hears of one that has just started by its heartbeats.
      for (let turn = 0; seen.size < HOSTS.length; turn += 1) seen.add(await hostFor(`newcomer-${turn}`, url));
      expect([...seen].toSorted()).toEqual(HOSTS);
    }
  });

  it('are one server to their clients: everybody reaches everybody, stored and transient', async () => {
    const all = await talkers();
    for (const [from, talker] of all.entries()) {
      for (const [to, other] of all.entries()) {
        if (from === to) continue;
        const payload = `${from} to ${to}`;
        expect(await talker.ask({ dest_id: `node-${to}`, payload })).toMatchObject({ status: 'stored' });
        expect(await other.next((frame) => frame['payload'] === payload)).toMatchObject({ src_id: `node-${from}` });
        talker.send({ dest_id: `node-${to}`, transient: true, payload: `${payload} now` });
        await other.next((frame) => frame['payload'] === `${payload} now`);
      }
    }
  });

  it('stay when the terminal goes that they were started from', async () => {
    shell.signal('SIGHUP');
    const [first, , third] = await talkers();
    expect(await first?.ask({ dest_id: 'node-2', payload: 'still here' })).toMatchObject({ status: 'stored' });
    await third?.next((frame) => frame['payload'] === 'still here');
  });

  it('go in good order when they are told to', async () => {
    shell.signal('SIGTERM');
    await shell.ended;
    expect(shell.lines.filter((line) => line.includes('"msg":"gone"'))).toHaveLength(HOSTS.length);
  });
});
