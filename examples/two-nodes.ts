// Two nodes find each other by their ids: a question, an answer, both receipts.
import { connect } from './surroundings.js';

const answered = new Promise<unknown>((resolve) => {
  void talk(resolve);
});
console.log('alice got the answer:', await answered);

async function talk(gotAnswer: (answer: unknown) => void): Promise<void> {
  const bob = await connect('bob', {
    onMessage: async ({ srcId, payload }) => {
      console.log(`bob got from ${srcId}:`, payload);
      const { status } = await bob.send({ destId: srcId, payload: { answer: 42 } });
      console.log('bob holds a receipt:', status);
    },
  });
  const alice = await connect('alice', { onMessage: ({ payload }) => gotAnswer(payload) });
  const { status } = await alice.send({ destId: 'bob', payload: { question: 'What is it?' } });
  console.log('alice holds a receipt:', status);
  await answered;
  await Promise.all([alice.close(), bob.close()]);
}
