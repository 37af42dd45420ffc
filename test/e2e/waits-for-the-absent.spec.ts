import { afterEach, beforeEach, it } from 'vitest';
import { TestServer } from '../support/test-server.js';
import { expectWaitsForBob } from '../support/wait-for-absent.js';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.stop());

it('a message for somebody who is away waits and arrives on return, once and in order', () =>
  expectWaitsForBob(server));
