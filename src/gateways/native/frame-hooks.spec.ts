import { afterEach, beforeEach, expect, it } from 'vitest';
import { closeFrame } from '../../../test/support/raw-socket.js';
import { eventually, Scene } from '../../../test/support/native-scene.js';
import { ManualClock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { RoutingHooks } from '../../modules/routing/index.js';
import { Refusal } from '../../protocol/index.js';

const INBOUND_FRAMES = 8;

let clock: ManualClock;
let scene: Scene;
let hooks: RoutingHooks;
beforeEach(async () => {
  clock = new ManualClock(Date.now());
  scene = await Scene.start({ clock, native: { inboundFrames: INBOUND_FRAMES } });
  hooks = scene.server.get(RoutingHooks);
});
afterEach(() => scene.end());

/** A hook that decides when the test says so. */
function held(): { asked: string[]; release: (refusal?: Refusal) => void } {
  const asked: string[] = [];
  let release: ((refusal?: Refusal) => void) | undefined;
  hooks.beforeRoute(({ message: { id = '' } }) => {
    asked.push(id);
    return new Promise<Refusal | undefined>((resolve) => (release = resolve));
  });
  return { asked, release: (refusal) => release?.(refusal) };
}

const to = (dest: string, id: string): string => JSON.stringify({ dest_id: dest, id, payload: 'x'.repeat(10_000) });

it('while a hook takes its time the later frames of that connection wait, those of others do not', async () => {
  const [a, b] = [(await scene.join({ sub: 'a' })).socket, (await scene.join({ sub: 'b' })).socket];
  const { asked, release } = held();
  void a.text(to('b', '1'));
  void a.text('{"type":-120,"id":"there"}');
  void a.text(to('b', '2'));
  await eventually(() => asked.length === 1);
  void b.text('{"type":-120,"id":"there"}');
  expect(await b.nextJson()).toEqual({ type: -121, id: 'there' });
  expect(asked).toEqual(['1']);
  release(new Refusal('forbidden'));
  expect(await a.nextJson()).toMatchObject({ id: '1', code: 'forbidden' });
  expect(await a.nextJson()).toEqual({ type: -121, id: 'there' });
  await eventually(() => asked.length === 2);
  release();
  expect(await a.nextJson()).toMatchObject({ id: '2', status: 'stored' });
});

it('what waits for a hook is bounded: its socket is not read beyond the limit, and all of it is handled afterwards', async () => {
  const a = (await scene.join({ sub: 'a' })).socket;
  const waiting = async (): Promise<number> => {
    const { values } = await scene.server.get(Metrics).registry.getSingleMetric('allspark_unanswered_frames')!.get();
    return values[0]?.value ?? 0;
  };
  const { asked, release } = held();
  const ids = Array.from({ length: 300 }, (_, index) => `m${index}`);
  for (const id of ids) void a.text(to('b', id));
  await eventually(async () => (await waiting()) >= INBOUND_FRAMES);
  for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
  // Beyond the limit only what one chunk of the socket brought along.
  expect(await waiting()).toBeLessThan(INBOUND_FRAMES + 10);
  const answers: unknown[] = [];
  for (const [index] of ids.entries()) {
    await eventually(() => asked.length === index + 1);
    release(new Refusal('forbidden'));
    answers.push((await a.nextJson())['id']);
  }
  expect(answers).toEqual(ids);
  expect(asked).toEqual(ids);
});

it('a hook that takes too long refuses for now, and what follows waits until the message comes again', async () => {
  const [a] = [(await scene.join({ sub: 'a' })).socket, await scene.join({ sub: 'b' })];
  const { asked, release } = held();
  void a.text(to('b', '1'));
  void a.text(to('b', '2'));
  await eventually(() => asked.length === 1);
  clock.advance(1_000);
  expect(await a.nextJson()).toMatchObject({ id: '1', code: 'retry_later' });
  const allow = async (count: number): Promise<unknown> => {
    await eventually(() => asked.length === count);
    release();
    return a.nextJson();
  };
  expect(await allow(2)).toMatchObject({ id: '2', code: 'retry_later' });
  for (const id of ['1', '2']) void a.text(to('b', id));
  expect(await allow(3)).toMatchObject({ id: '1', status: 'stored' });
  expect(await allow(4)).toMatchObject({ id: '2', status: 'stored' });
});

it('a peer that closes meanwhile has its message routed still', async () => {
  const [a, b] = [(await scene.join({ sub: 'a' })).socket, (await scene.join({ sub: 'b' })).socket];
  const { asked, release } = held();
  void a.text(to('b', '1'));
  await eventually(() => asked.length === 1);
  await a.write(closeFrame(1000));
  await a.closed();
  release();
  expect(await b.nextJson()).toMatchObject({ id: '1', src_id: 'a' });
});
