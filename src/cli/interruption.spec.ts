import { expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { interrupted } from './interruption.js';
import { FakeProcess } from './testing/fake-process.js';

it('ends in good order at the first signal, also when it comes twice at once, and the hard way at a later one', async () => {
  const self = new FakeProcess();
  const clock = new ManualClock();
  const signal = interrupted(self, clock);
  self.emit('SIGINT');
  await signal;
  clock.advance(20);
  self.emit('SIGINT');
  expect(self.ends).toEqual([]);
  clock.advance(1_000);
  self.emit('SIGINT');
  expect(self.ends).toEqual(['SIGINT']);
});
