// A receiver that is away: what is sent to it waits, and arrives when it is back, once and in order.
import { connect } from './surroundings.js';

const first = await connect('bob');
await first.close();
console.log('bob was here once, and is away now');

const alice = await connect('alice');
for (const text of ['first', 'second', 'third']) {
  const { status } = await alice.send({ destId: 'bob', payload: text });
  console.log(`alice sent ${text}:`, status);
}
await alice.close();

const received: unknown[] = [];
let everything: () => void;
const complete = new Promise<void>((resolve) => (everything = resolve));
const bob = await connect('bob', {
  onMessage: ({ seq, payload }) => {
    console.log(`bob got number ${seq}:`, payload);
    if (received.push(payload) === 3) everything();
  },
});
await complete;
// Outside of the handler, so that the last message counts as processed and is acknowledged.
await bob.close();
console.log('bob received', received.join(', '));
