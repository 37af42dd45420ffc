import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LimitedExpressAdapter } from './limited-express-adapter.js';

let server: Server;
const hits: string[] = [];
beforeEach(() => void (hits.length = 0));
beforeAll(async () => {
  const adapter = new LimitedExpressAdapter({ maxHeaderBytes: 1_024, headersTimeoutMs: 200 });
  adapter.onLimit = (limit) => void hits.push(limit);
  adapter.initHttpServer();
  server = adapter.getHttpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** What comes back for these bytes, until the other side closes: status, code of the problem. */
async function answerTo(bytes: string): Promise<{ status: number; code: unknown; type: string | undefined }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    type: /content-type: ([^\r]+)/i.exec(head)?.[1],
    code: (JSON.parse(body) as { code: unknown }).code,
  };
}

describe('a request that no handler sees', () => {
  const type = 'application/problem+json';

  it('because it is no HTTP gets a problem', async () => {
    expect(await answerTo('what is this\r\n\r\n')).toEqual({ status: 400, code: 'invalid_field', type });
    expect(hits).toEqual([]);
  });

  it('because its header is too big gets a problem', async () => {
    const bytes = `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${'x'.repeat(2_000)}\r\n\r\n`;
    expect(await answerTo(bytes)).toEqual({ status: 413, code: 'too_large', type });
    expect(hits).toEqual(['header_bytes']);
  });

  it('because its header does not arrive in time gets a problem', async () => {
    expect(await answerTo('GET / HTTP/1.1\r\nhost: x\r\n')).toEqual({ status: 400, code: 'invalid_field', type });
    expect(hits).toEqual(['headers_timeout']);
  });

  it('because its body does not arrive in time is no fault of its header', async () => {
    const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
    const [request] = await arrived;
    // What the server says when its time for a whole request is over.
    const late = Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server.emit('clientError', late, request.socket);
    await once(socket, 'close');
    expect(hits).toEqual([]);
  });

  it('because it expects what nobody knows gets a problem', async () => {
    const bytes = 'GET / HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\nconnection: close\r\n\r\n';
    expect(await answerTo(bytes)).toEqual({ status: 400, code: 'invalid_field', type });
  });
});
