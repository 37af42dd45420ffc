import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NativeApp } from '../../../test/support/native-app.js';
import { type Message, Refusal } from '../../protocol/index.js';
import { ConnectionsService, type LiveConnection } from '../connections/index.js';
import { InboxHooks, InboxLog, inboxLogOf } from '../inbox/index.js';
import { RoutingHooks } from './routing.hooks.js';
import { RoutingService } from './routing.service.js';
import type { Answer, Sender } from './routing.types.js';

let app: NativeApp;
let routing: RoutingService;
let hooks: RoutingHooks;
let answers: string[];
/** A receiver of its own for each test. */
let bob: string;
let tests = 0;
const undo: Array<() => void> = [];

beforeAll(async () => {
  app = await NativeApp.start();
  [routing, hooks] = [app.get(RoutingService), app.get(RoutingHooks)];
});
beforeEach(() => {
  answers = [];
  bob = `bob-${(tests += 1)}`;
});
afterEach(() => undo.splice(0).forEach((each) => each()));
afterAll(() => app.close());

function beforeRoute(hook: Parameters<RoutingHooks['beforeRoute']>[0]): void {
  undo.push(hooks.beforeRoute(hook));
}

/** Frames that a connection of the node gets. */
async function connect(nodeId: string, connectionId: string): Promise<LiveConnection & { frames: string[] }> {
  const frames: string[] = [];
  const connection = {
    connectionId,
    nodeId,
    clientId: null,
    kid: null,
    issuedAt: 0,
    frames,
    send: (frame: string) => void frames.push(frame),
    close: () => {},
  };
  await app.get(ConnectionsService).open(connection);
  return connection;
}

function senderOf(nodeId: string, more: Partial<Sender> = {}): Sender {
  return { nodeId, clientId: null, trusted: false, failStop: routing.failStop(() => {}), ...more };
}

function to(nodeId: string, more: Partial<Message> = {}): Message {
  return { destination: { kind: 'node', nodeId }, type: 0, transient: false, report: false, id: 'm1', ...more };
}

function note(answer: Answer): void {
  answers.push(`${answer.id} ${answer.kind === 'refused' ? answer.refusal.code : answer.kind}`);
}

function send(sender: Sender, message: Message): Promise<void> {
  return new Promise((resolve) => {
    void routing.send(sender, message, (answer) => {
      note(answer);
      resolve();
    });
  });
}

const stored = async (): Promise<number> => (await app.get(InboxLog).newest([inboxLogOf(bob)]))[0]?.n ?? 0;

describe('hooks before a message is routed', () => {
  const FORBIDDEN = new Refusal('forbidden');
  const LATER = new Refusal('retry_later');

  it('are asked of durable and transient ones, and refuse before anything is stored or sent', async () => {
    const { frames } = await connect(bob, 'c1');
    beforeRoute(({ sender }) => (sender.nodeId === 'blocked' ? FORBIDDEN : undefined));
    for (const transient of [false, true]) {
      await send(senderOf('blocked'), to(bob, { transient }));
      await send(senderOf('a'), to(bob, { transient }));
    }
    expect(answers).toEqual(['m1 forbidden', 'm1 stored', 'm1 forbidden', 'm1 sent']);
    expect([await stored(), frames.length]).toEqual([1, 1]);
  });

  it('are given who sends and what it wrote, with the id, and can change nothing of it', async () => {
    const seen: unknown[] = [];
    beforeRoute((departure) => {
      seen.push(structuredClone(departure));
      (departure.message as { payload?: string }).payload = '"changed"';
    });
    await send(senderOf('a'), to(bob, { payload: '1' }));
    expect(answers).toEqual(['m1 retry_later']);
    const message = { destination: { kind: 'node', nodeId: bob }, type: 0, transient: false, report: false, id: 'm1' };
    const sender = { nodeId: 'a', clientId: null, trusted: false };
    expect(seen).toEqual([{ sender, message: { ...message, payload: '1' } }]);
  });

  it('know a member that is written to under an alias by the alias only', async () => {
    const seen: unknown[] = [];
    beforeRoute(({ message }) => void seen.push(message.destination));
    const destination = { kind: 'private', sessionId: 's', memberId: '~alias' } as const;
    await send(senderOf('a'), to(bob, { destination }));
    expect(seen).toEqual([destination]);
  });

  it('that refuse for now hold up what follows, until the message comes again', async () => {
    let trouble = true;
    beforeRoute(({ message }) => (trouble && message.id === '1' ? LATER : undefined));
    const sender = senderOf('a');
    await send(sender, to(bob, { id: '1' }));
    await send(sender, to(bob, { id: '2' }));
    trouble = false;
    await send(sender, to(bob, { id: '2' }));
    for (const id of ['1', '2']) await send(sender, to(bob, { id }));
    expect(answers).toEqual(['1 retry_later', '2 retry_later', '2 retry_later', '1 stored', '2 stored']);
  });

  it('that refuse for good what failed before let go what waits for it', async () => {
    let refusal = LATER;
    beforeRoute(({ message }) => (message.id === '1' ? refusal : undefined));
    const sender = senderOf('a');
    await send(sender, to(bob, { id: '1' }));
    refusal = FORBIDDEN;
    await send(sender, to(bob, { id: '1' }));
    await send(sender, to(bob, { id: '2' }));
    expect(answers).toEqual(['1 retry_later', '1 forbidden', '2 stored']);
  });

  it('cost no promise when there is none, or when none of them is asynchronous', () => {
    expect(routing.send(senderOf('a'), to(bob), note)).toBeUndefined();
    beforeRoute(() => undefined);
    expect(routing.send(senderOf('a'), to(bob), note)).toBeUndefined();
    beforeRoute(() => Promise.resolve());
    expect(routing.send(senderOf('a'), to(bob), note)).toBeInstanceOf(Promise);
  });

  it('are not asked of a message that is above the rate', async () => {
    let asked = 0;
    beforeRoute(() => void (asked += 1));
    routing.refuse(senderOf('a'), to(bob), new Refusal('rate_limited'), note);
    expect([asked, answers]).toEqual([0, ['m1 rate_limited']]);
  });
});

it('hooks after a delivery see the frame of a transient message once for each connection that gets it', async () => {
  const seen: string[] = [];
  undo.push(app.get(InboxHooks).afterDeliver(({ nodeId, frame }) => void seen.push(`${nodeId} ${frame}`)));
  const [own, other] = [await connect('a', 'c1'), await connect('a', 'c2')];
  await send(senderOf('a', { connection: own }), to('a', { transient: true }));
  expect(seen).toEqual([`a ${other.frames[0]}`]);
});
