import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../../../test/support/native-scene.js';
import { ManualClock } from '../../common/clock.js';
import { RoutingHooks } from '../../modules/routing/index.js';
import { Refusal } from '../../protocol/index.js';
import { HttpApp, type Who } from './testing/http-app.js';

const ann = { sub: 'ann' };
const backend = { sub: 'backend', role: 'app' } as const;

let clock: ManualClock;
let app: HttpApp;
let hooks: RoutingHooks;
beforeEach(async () => {
  clock = new ManualClock(Date.now());
  app = await HttpApp.start({ clock });
  hooks = app.get(RoutingHooks);
  await app.call('get', '/v1/inbox', { by: ann });
});
afterEach(() => app.close());

const message = (id: string, more = ''): string => `{"dest_id":"ann","id":"${id}"${more}}`;

async function storedIds(by: Who): Promise<unknown> {
  return ((await app.call('get', '/v1/inbox', { by })).body as { messages: Array<{ id: string }> }).messages.map(
    ({ id }) => id,
  );
}

it('hooks are asked of one message of a call after the other, and refuse each by itself', async () => {
  const asked: unknown[] = [];
  hooks.beforeRoute(async ({ sender, message: { id } }) => {
    asked.push([sender.nodeId, id]);
    // The first decision takes longest: who did not wait for it would be stored before it.
    for (let turn = id === '1' ? 20 : 1; turn > 0; turn -= 1) await new Promise(setImmediate);
    return id === '2' ? new Refusal('forbidden', { reason: 'not this one' }) : undefined;
  });
  const results = await app.send(backend, message('1', ',"src_id":"ann"'), message('2'), message('3'));
  expect(results).toEqual([
    { id: '1', status: 'stored' },
    { id: '2', status: 'refused', code: 'forbidden', reason: 'not this one' },
    { id: '3', status: 'stored' },
  ]);
  expect(asked).toEqual([
    ['ann', '1'],
    ['backend', '2'],
    ['backend', '3'],
  ]);
  expect(await storedIds(ann)).toEqual(['1', '3']);
});

it('a hook that takes too long costs its message, and those behind it to the same destination', async () => {
  let asked = 0;
  hooks.beforeRoute(() => ((asked += 1) === 1 ? new Promise(() => {}) : undefined));
  const sending = app.send(ann, message('1'), message('2'));
  await eventually(() => asked === 1);
  clock.advance(1_000);
  expect((await sending).map(({ code }) => code)).toEqual(['retry_later', 'retry_later']);
  expect(await storedIds(ann)).toEqual([]);
});

it('the call is answered at its deadline; what hooks kept back until then is not sent afterwards', async () => {
  let asked = 0;
  const releases: Array<() => void> = [];
  hooks.beforeRoute(() => {
    asked += 1;
    return new Promise<void>((resolve) => void releases.push(resolve));
  });
  const ids = ['1', '2', '3', '4', '5', '6', '7'];
  const sending = app.send(ann, ...ids.map((id) => message(id, ',"transient":true')));
  for (let count = 1; count <= 5; count += 1) {
    await eventually(() => asked === count);
    clock.advance(1_000);
  }
  expect((await sending).map(({ code }) => code)).toEqual(ids.map(() => 'retry_later'));
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  expect(asked).toBeLessThanOrEqual(6);
});
