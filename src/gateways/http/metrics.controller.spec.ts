import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { MetricsListener } from './metrics-listener.js';
import { HttpApp } from './testing/http-app.js';

let app: HttpApp;
afterEach(() => app.close());

describe('/metrics', () => {
  it('is for app and admin keys', async () => {
    app = await HttpApp.start();
    for (const role of ['app', 'admin'] as const) {
      expect((await app.call('get', '/metrics', { by: { sub: 'x', role } })).status).toBe(200);
    }
    expect((await app.call('get', '/metrics', { by: { sub: 'x' } })).status).toBe(403);
    expect((await app.call('get', '/metrics')).status).toBe(401);
    expect(app.get(MetricsListener).address).toBeUndefined();
  });

  it('tells the figures of the process and of the queues', async () => {
    // The lag is that of the last whole second, of which there is none as long as the clock stands still.
    app = await HttpApp.start({ clock: new ManualClock(Date.now()) });
    const { text, headers } = await app.call('get', '/metrics', { by: { sub: 'x', role: 'app' } });
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      'allspark_connections 0',
      'allspark_appends_waiting 0',
      'allspark_acks_waiting 0',
      'allspark_group_appends_waiting 0',
      'allspark_groups_held 0',
      'allspark_groups_undriven 0',
      'allspark_loop_lag_seconds 0',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
    expect(text).toMatch(/\nprocess_resident_memory_bytes [1-9]/);
  });

  it('asks for no key on an address of its own, which serves nothing else', async () => {
    app = await HttpApp.start({ http: { metricsAddress: { host: '127.0.0.1', port: 0 } } });
    const base = `http://127.0.0.1:${app.get(MetricsListener).address?.port}`;
    const answer = await fetch(`${base}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('allspark_connections')]);
    expect((await fetch(`${base}/v1/inbox`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: 'POST' })).status).toBe(404);
  });
});
