import { expect, it } from 'vitest';
import { Lifecycle } from './lifecycle.js';

it('is drained when all work of it is done, whether or not it failed', async () => {
  const lifecycle = new Lifecycle();
  const done: string[] = [];
  lifecycle.drainsBy(async () => void done.push('one'));
  lifecycle.drainsBy(() => Promise.reject(new Error('another')));
  await lifecycle.drained();
  expect(done).toEqual(['one']);
});

it('is prepared when all that comes before it lets anybody in is done, whether or not it failed', async () => {
  const lifecycle = new Lifecycle();
  const done: string[] = [];
  lifecycle.preparesBy(async () => void done.push('one'));
  lifecycle.preparesBy(() => Promise.reject(new Error('another')));
  await lifecycle.prepared();
  expect(done).toEqual(['one']);
});

it('is drained at once where nobody has such work', async () => {
  await expect(new Lifecycle().drained()).resolves.toBeUndefined();
});
