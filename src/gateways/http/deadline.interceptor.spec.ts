import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { InboxService } from '../../modules/inbox/index.js';
import { during, HttpApp } from './testing/http-app.js';

let app: HttpApp;
afterEach(() => app.close());

describe('a call that waits too long', () => {
  it('is answered retry_later', async () => {
    const clock = new ManualClock(Date.now());
    app = await HttpApp.start({ clock });
    // The clock passes the deadline as soon as the call waits; the store never answers.
    const page = (): Promise<never> => {
      queueMicrotask(() => setImmediate(() => clock.advance(5_000)));
      return new Promise(() => {});
    };
    const answer = await during(app.get(InboxService), { page }, () =>
      app.call('get', '/v1/inbox', { by: { sub: 'ann' } }),
    );
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'retry_later', detail: 'no answer from the store in time' });
  });

  it('leaves no timer behind when it is answered in time', async () => {
    const clock = new ManualClock(Date.now());
    app = await HttpApp.start({ clock });
    const before = clock.waiting;
    await app.call('get', '/v1/inbox', { by: { sub: 'ann' } });
    expect(clock.waiting).toBe(before);
  });
});
