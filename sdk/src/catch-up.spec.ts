import { beforeEach, describe, expect, it } from 'vitest';
import { CatchUp, type LostEntries } from './catch-up.js';
import { AllsparkError } from './errors.js';
import { type Hello, type InboxEntry, type InboxPage, parseFrame } from './frames.js';
import { Receiver } from './receiver.js';
import { Mailbox } from './testing/mailbox.js';
import { ManualTimers } from './testing/manual-timers.js';
import { messageOf, type WireFrame } from './testing/scripted-server.js';

let timers: ManualTimers;
let receiver: Receiver;
let requests: Mailbox<WireFrame>;
let lost: LostEntries[];
let held: InboxEntry[][];
let failures: Mailbox<unknown>;
let catchUp: CatchUp;
let running: Promise<void>;

const entry = (seq: number): InboxEntry => parseFrame(JSON.stringify(messageOf(seq))) as InboxEntry;

function pageOf(seqs: number[], fields: Partial<InboxPage> = {}): InboxPage {
  const bounds = { epoch: 'e1', floorSeq: 1, tailSeq: 9, ackedSeq: 6, complete: false };
  return { messages: seqs.map(entry), ...bounds, ...fields };
}

async function answer(seqs: number[], fields?: Partial<InboxPage>): Promise<unknown> {
  const request = await requests.take();
  catchUp.onPage(request['id'] as string, pageOf(seqs, fields));
  return request['payload'];
}

beforeEach(() => {
  timers = new ManualTimers();
  [requests, failures, lost, held] = [new Mailbox(), new Mailbox(), [], []];
  const settings = { ackAfterMessages: 64, ackAfterBytes: 10_000, ackAfterMs: 1000 };
  const handlers = { handle: () => undefined, onFailure: () => undefined };
  receiver = new Receiver(settings, handlers, timers, { epoch: 'e1', lastSeq: 2 });
  const socket = { send: (text: string) => requests.put(JSON.parse(text) as WireFrame) };
  catchUp = new CatchUp(socket, receiver, timers, {
    onDone: (entries) => held.push(entries),
    onLost: (range) => lost.push(range),
    onFailure: (error) => failures.put(error),
  });
  running = catchUp.run({ epoch: 'e1' } as Hello, 6);
});

describe('catching up', () => {
  it('reads page after page up to where delivery begins, then hands over what came meanwhile', async () => {
    catchUp.hold(entry(7));
    expect(await answer([3, 4])).toEqual({ fetch_inbox: { after_seq: 2, before_seq: 7 } });
    expect(await answer([5, 6])).toEqual({ fetch_inbox: { after_seq: 4, before_seq: 7 } });
    await running;
    expect(receiver.accepted?.lastSeq).toBe(6);
    expect(held.flat().map((one) => one.seq)).toEqual([7]);
    expect(lost).toEqual([]);
  });

  it('names what was collected while it read', async () => {
    await answer([3]);
    await answer([6], { floorSeq: 6 });
    await running;
    expect(lost).toEqual([{ fromSeq: 4, toSeq: 5 }]);
    expect(receiver.accepted?.lastSeq).toBe(6);
  });

  it('asks again after the wait when it is refused for now', async () => {
    const { id } = await requests.take();
    const refusal = new AllsparkError({ code: 'rate_limited', reason: 'slowly', retryAfterMs: 300 });
    expect(catchUp.onError(id as string, refusal)).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    timers.advance(299);
    expect(requests.rest).toEqual([]);
    timers.advance(1);
    await answer([3, 4, 5, 6]);
    await running;
    expect(held).toEqual([[]]);
  });

  it.each([
    ['another epoch', [3], { epoch: 'e2' }],
    ['a hole', [4], {}],
    ['an empty page', [], {}],
  ] as const)('fails on %s instead of skipping', async (_, seqs, fields) => {
    await answer([...seqs], fields);
    await running;
    expect(failures.rest).toHaveLength(1);
    expect(held).toEqual([]);
  });

  it('does nothing more once it is stopped', async () => {
    catchUp.stop();
    await answer([3]);
    await running;
    expect([receiver.accepted?.lastSeq, held, failures.rest]).toEqual([2, [], []]);
  });
});
