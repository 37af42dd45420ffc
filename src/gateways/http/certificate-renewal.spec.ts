import { once } from 'node:events';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { ConsoleLogger, Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate, MountedPair } from '../../../test/support/certificates.js';
import { ManualClock } from '../../common/clock.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { readKeyPair } from '../../common/key-pair.js';
import { LimitedExpressAdapter } from './limited-express-adapter.js';
import { HTTP_SETTINGS } from './testing/http-app.js';

const [first, second] = [makeCertificate('first'), makeCertificate('second')];

/** What the log is told. */
const said: string[] = [];
class Listening extends ConsoleLogger {
  override log(message: string): void {
    said.push(message);
  }
  override warn(message: string): void {
    said.push(message);
  }
}
beforeAll(() => Logger.overrideLogger(new Listening()));
afterAll(() => Logger.overrideLogger(true));

/** Limits that were hit. */
const hits: string[] = [];

let folder: string;
let mounted: MountedPair;
let files: { readonly certFile: string; readonly keyFile: string };
let server: Server;
let renewal: CertificateRenewal;
let clock: ManualClock;
beforeEach(async () => {
  said.length = 0;
  hits.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'allspark-tls-'));
  mounted = new MountedPair(folder);
  await mounted.mount(first);
  files = { certFile: mounted.settings.TLS_CERT_FILE, keyFile: mounted.settings.TLS_KEY_FILE };
  const limits = { maxHeaderBytes: 16_384, headersTimeoutMs: 500 };
  const adapter = new LimitedExpressAdapter({ ...limits, tls: await readKeyPair(files) });
  adapter.onLimit = (limit) => void hits.push(limit);
  adapter.initHttpServer();
  server = adapter.getHttpServer() as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  clock = new ManualClock();
  const host = { httpAdapter: adapter } as unknown as HttpAdapterHost;
  renewal = new CertificateRenewal({ ...HTTP_SETTINGS, tlsFiles: files }, clock, host);
  await renewal.look();
});
afterEach(async () => {
  renewal.onApplicationShutdown();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Whose certificate a new connection is shown. */
async function shown(): Promise<string | undefined> {
  const socket = await open();
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return [CN].flat()[0];
}

const overwrite = ({ cert, key }: Partial<Certificate>): Promise<unknown> =>
  Promise.all([
    cert !== undefined && writeFile(files.certFile, cert),
    key !== undefined && writeFile(files.keyFile, key),
  ]);

describe('a renewed certificate', () => {
  it('is shown to whoever connects after it was mounted in place of the old one', async () => {
    expect(await shown()).toBe('first');
    await mounted.swap(second);
    await renewal.look();
    expect(await shown()).toBe('second');
  });

  it('is shown when the files were written over', async () => {
    await overwrite(second);
    await renewal.look();
    expect(await shown()).toBe('second');
  });

  it('cuts no connection that there is', async () => {
    const socket = await open();
    socket.write('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    await mounted.swap(second);
    await renewal.look();
    socket.write('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('HTTP/1.1 404');
    socket.destroy();
  });

  it.each<[string, Partial<Certificate>]>([
    ['the key is still the old one', { cert: second.cert }],
    ['the certificate is still the old one', { key: second.key }],
    ['half of it is written', { cert: second.cert.slice(0, 300), key: second.key }],
    ['it is no certificate', { cert: 'hello', key: second.key }],
    ['it is empty', { cert: '', key: '' }],
  ])('leaves the old one in use while %s', async (_why, pair) => {
    await overwrite(pair);
    await renewal.look();
    await renewal.look();
    expect(await shown()).toBe('first');
    expect(said).toEqual([expect.stringContaining('the old one stays')]);
    await overwrite(second);
    await renewal.look();
    expect(await shown()).toBe('second');
  });

  it('leaves the old one in use while there is no file', async () => {
    await unlink(files.certFile);
    await renewal.look();
    await renewal.look();
    expect(said).toEqual([expect.stringContaining('the old one stays')]);
    expect(await shown()).toBe('first');
    await overwrite(second);
    await renewal.look();
    expect(await shown()).toBe('second');
  });

  it('is looked for each five seconds', async () => {
    await renewal.onApplicationBootstrap();
    await mounted.swap(second);
    const taken = new Promise<void>((resolve) => {
      const take = server.setSecureContext.bind(server);
      server.setSecureContext = (options) => {
        take(options);
        resolve();
      };
    });
    clock.advance(5_000);
    await taken;
    expect(await shown()).toBe('second');
  });
});

describe('a listener with a certificate', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('speaks no %s', async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(open(old)).rejects.toThrow();
    await mounted.swap(second);
    await renewal.look();
    await expect(open(old)).rejects.toThrow();
  });

  it('speaks TLS 1.2 and 1.3', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await open({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
  });

  it.each([
    ['who speaks no TLS', 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n', []],
    ['who sends noise', '\u0016\u0003\u0001\u0000\u00ffnoise', ['headers_timeout']],
    ['who says nothing in time', '', ['headers_timeout']],
  ])('hangs up on one %s, and goes on', async (_who, bytes, limits) => {
    const socket = connectPlain((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    const closed = once(socket, 'close');
    socket.write(bytes);
    socket.resume();
    await closed;
    expect(hits).toEqual(limits);
    expect(await shown()).toBe('first');
  });
});
