import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { runAt } from './run-at.js';

/** Longer than any process stands still that is given no time. */
const PATIENT_MS = 15_000;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

it('answers the boot id of whoever runs there, also below a path', async () => {
  const url = await serve(({ url: path }, response) => response.end(JSON.stringify({ boot_id: `at ${path}` })));
  expect(await runAt(url, PATIENT_MS)).toBe('at /livez');
  expect(await runAt(`${url}/chat`, PATIENT_MS)).toBe('at /chat/livez');
});

it.each([
  ['something else', '<html>'],
  ['an older one', '{"status":"alive"}'],
  ['nonsense', 'null'],
  ['a flood', `{"boot_id":"${'x'.repeat(100_000)}"}`],
])('takes %s for nobody', async (_, body) => {
  expect(await runAt(await serve((_request, response) => response.end(body)))).toBeUndefined();
});

it('takes one for nobody that refuses, hangs up or says nothing in time', async () => {
  const hangsUp = await serve((request) => request.socket.destroy());
  expect(await runAt(hangsUp)).toBeUndefined();
  server?.close();
  expect(await runAt(hangsUp)).toBeUndefined();
  const says = await serve(() => {});
  expect(await runAt(says, 50)).toBeUndefined();
  const stopsHalfway = await serve((_request, response) => void response.write('{"boot_id":'));
  expect(await runAt(stopsHalfway, 50)).toBeUndefined();
});
