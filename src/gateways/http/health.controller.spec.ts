import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { FakeHeap } from '../../common/testing/fake-heap.js';
import { ServerNode } from '../../modules/nodes/index.js';
import { HttpApp } from './testing/http-app.js';

let app: HttpApp;
afterEach(() => app.close());

const readiness = async (): Promise<unknown[]> => {
  const { status, body } = await app.call('get', '/readyz');
  return [status, (body as { reasons?: string[] }).reasons];
};

describe('readiness', () => {
  it('is there once the server has taken its place, and goes when it drains', async () => {
    app = await HttpApp.start({ starting: true });
    expect(await readiness()).toEqual([503, ['the server is starting']]);
    await app.becomeReady();
    const answer = await app.call('get', '/readyz');
    expect([answer.status, answer.body]).toEqual([200, { status: 'ready' }]);
    app.get(Lifecycle).beginDrain();
    expect(await readiness()).toEqual([503, ['the server is draining']]);
  });

  it('says what is wrong, as a problem', async () => {
    app = await HttpApp.start();
    app.health.problem = () => 'less than 1 GiB is free';
    const answer = await app.call('get', '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json/),
      'retry-after': '1',
    });
    expect(answer.body).toMatchObject({
      code: 'retry_later',
      detail: 'store: less than 1 GiB is free',
      request_id: answer.headers['x-request-id'],
      reasons: ['store: less than 1 GiB is free'],
    });
  });

  it('goes while the store is slow, though it takes messages', async () => {
    app = await HttpApp.start();
    app.health.slowness = () => 'a write waits for 2 s';
    expect(await readiness()).toEqual([503, ['store: a write waits for 2 s']]);
  });

  it('goes while no heartbeat gets through, for the others take the server node for dead', async () => {
    const clock = new ManualClock(Date.now());
    app = await HttpApp.start({ clock });
    app.get(ServerNode).beat = () => Promise.reject(new Error('away'));
    clock.advance(9_000);
    expect(await readiness()).toEqual([503, ['no heartbeat of this server node got through for 9 s']]);
  });

  it('goes when the event loop is late for long, and comes back', async () => {
    const clock = new ManualClock(Date.now());
    app = await HttpApp.start({ clock });
    const second = (lateMs: number): void => {
      clock.jump(lateMs + 20);
      clock.advance(980 - lateMs);
    };
    for (let count = 0; count < 4; count += 1) second(220);
    expect(await readiness()).toEqual([200, undefined]);
    second(220);
    expect(await readiness()).toEqual([503, ['the event loop lags 220 ms']]);
    second(200);
    expect(await readiness()).toEqual([200, undefined]);
  });
});

it('readiness goes while the heap is above its watermark, and says how full it is', async () => {
  const heap = new FakeHeap();
  app = await HttpApp.start({ heap });
  heap.leave(0.72);
  expect(await readiness()).toEqual([503, ['the heap is 72 % full']]);
  heap.leave(0.4);
  expect(await readiness()).toEqual([200, undefined]);
});

describe('liveness', () => {
  it('is there from the first moment, whatever the store says', async () => {
    app = await HttpApp.start({ starting: true });
    app.health.problem = () => 'broken';
    const answer = await app.call('get', '/livez?probe=1');
    expect([answer.status, answer.body]).toEqual([200, { status: 'alive', boot_id: app.get(ServerNode).bootId }]);
  });
});

describe('a server that has not taken its place', () => {
  it('takes no call, and asks to try again', async () => {
    app = await HttpApp.start({ starting: true });
    const answer = await app.call('get', '/v1/inbox', { by: { sub: 'ann' } });
    expect(answer.body).toMatchObject({ status: 503, code: 'retry_later' });
  });
});
