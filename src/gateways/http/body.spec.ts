import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApp, keyOf } from './testing/http-app.js';

const by = { sub: 'ann' };
const LIMIT = 1_024;

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start({ http: { maxBodyBytes: LIMIT, maxMessagesBodyBytes: 2 * LIMIT } });
});
afterAll(() => app.close());

const ask = (body: string | Buffer, type?: string, headers = {}): ReturnType<HttpApp['call']> =>
  app.call('post', '/v1/pre-connections', { by, body, headers, ...(type !== undefined && { type }) });

const padded = (bytes: number, text: string): string => text.padEnd(bytes, ' ');

/** Writes a request by hand and answers what comes back until the other side closes. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(app.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

describe('a body', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('of the type %s is read', async (type) => {
    expect((await ask('{}', type)).status).toBe(201);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=latin1',
    'application/merge-patch+json',
  ])('of the type %s is refused', async (type) => {
    expect((await ask('{}', type)).body).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('that is compressed is refused', async () => {
    const answer = await ask(gzipSync('{}'), undefined, { 'Content-Encoding': 'gzip' });
    expect(answer.body).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it.each([
    ['', 'bad_json'],
    ['{', 'bad_json'],
    ['{"a":1}}', 'bad_json'],
    ["{'a':1}", 'bad_json'],
    ['\uFEFF{}', 'bad_json'],
    ['[]', 'not_an_object'],
    ['null', 'not_an_object'],
    ['"{}"', 'not_an_object'],
    [`{"a":${'['.repeat(32)}${']'.repeat(32)}}`, 'too_deep'],
    ['['.repeat(1_000), 'too_deep'],
    [`{${Array.from({ length: 65 }, (_, index) => `"k${index}":1`).join(',')}}`, 'too_many_keys'],
    ['{"session_id":"a","session_id":"b"}', 'invalid_field'],
    ['{"session_id":"a","session\\u005fid":"b"}', 'invalid_field'],
  ])('of %s is refused', async (text, code) => {
    const answer = await app.call('post', '/v1/inbox/ack', { by, body: text });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code });
  });

  it('that is not UTF-8 is refused', async () => {
    const answer = await ask(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    expect(answer.body).toMatchObject({ status: 400, code: 'bad_json' });
  });

  it('has a limit, which is another one for messages', async () => {
    expect((await ask(padded(LIMIT, '{}'))).status).toBe(201);
    expect((await ask(padded(LIMIT + 1, '{}'))).body).toMatchObject({ status: 413, code: 'too_large' });
    const send = (bytes: number): ReturnType<HttpApp['call']> =>
      app.call('post', '/v1/messages', { by, body: padded(bytes, '{"messages":[]}') });
    expect((await send(2 * LIMIT)).status).toBe(200);
    expect((await send(2 * LIMIT + 1)).body).toMatchObject({ status: 413, code: 'too_large' });
  });

  it('of unknown length is refused as soon as it is too large', async () => {
    const chunk = `${LIMIT.toString(16)}\r\n${' '.repeat(LIMIT)}\r\n`;
    const head = `POST /v1/pre-connections HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${await keyOf(by)}\r\n`;
    const answer = await raw(
      `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"too_large"');
  });

  it('is not read for somebody without a key', async () => {
    const head = 'POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n';
    // The body is announced and never comes.
    expect(await raw(`${head}Content-Length: 1000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('that ends early disturbs nobody', async () => {
    const head = `POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await keyOf(by)}\r\n`;
    const arrived = once(app.app.getHttpServer(), 'request') as Promise<[unknown, ServerResponse]>;
    const socket = connect(app.port, '127.0.0.1', () => {
      socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"mess`);
    });
    const [, response] = await arrived;
    const closed = once(response, 'close');
    socket.destroy();
    await closed;
    expect((await ask('{}')).status).toBe(201);
  });

  it('is left alone by calls that take none', async () => {
    expect((await app.call('get', '/v1/inbox', { by, body: '{"a":1}' })).status).toBe(200);
  });
});

describe('an application with body parsers of its own', () => {
  it('keeps payloads byte for byte too, when it keeps the raw body', async () => {
    const other = await HttpApp.start({ ownParsers: true });
    await other.send(by, '{"dest_id":"ann","payload":{"a":1,"a":1e400}}');
    expect((await other.call('get', '/v1/inbox', { by })).text).toContain('"payload":{"a":1,"a":1e400}}');
    await other.close();
  });
});
