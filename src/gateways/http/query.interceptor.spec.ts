import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApp } from './testing/http-app.js';

const by = { sub: 'ann' };
let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start();
});
afterAll(() => app.close());

describe('a query', () => {
  it('with a parameter that comes twice is refused, whatever the application’s parser makes of it', async () => {
    app.app.set('query parser', (text: string) => Object.fromEntries(new URLSearchParams(text)));
    const answer = await app.call('get', '/v1/inbox?limit=1&limit=2', { by });
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_field', field: 'limit' });
  });

  it('is refused by calls that take none', async () => {
    const answer = await app.call('post', '/v1/messages?dry_run=1', { by, body: '{"messages":[]}' });
    expect(answer.body).toMatchObject({ status: 400, code: 'unknown_field', field: 'dry_run' });
  });

  it('may be empty', async () => {
    // A bare question mark the client of the tests leaves out, or writes something behind it, as its Node has it.
    expect((await app.call('get', '/v1/inbox?&', { by })).status).toBe(200);
  });
});
