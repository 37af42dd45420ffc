import { request } from 'node:http';
import { keyOf } from './server-under-strace.js';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** An HTTP call of a node. */
export function call(server: { readonly url: string }, nodeId: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { authorization: `Bearer ${keyOf(nodeId)}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const outgoing = request(server.url + path, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
