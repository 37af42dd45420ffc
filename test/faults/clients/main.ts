// A process of clients: `main.js JOURNAL`. Takes commands from its parent and writes down what happens to its clients.
import type { Answer, Command, CrewState, Order, ReadOrder, SendOrder } from './commands.js';
import { JournalWriter } from './journal-writer.js';
import { RawReader } from './raw-reader.js';
import { RawSender } from './raw-sender.js';
import { SdkReader } from './sdk-reader.js';
import { SdkSender } from './sdk-sender.js';
import type { Reader, Sender } from './sender.js';
import { Tally } from './tally.js';

const TICK_MS = 10;
/** Sending that was held up is made up for, but no more than this. */
const MOST_CREDIT_S = 0.5;

const journal = new JournalWriter(process.argv[2] as string);
const tally = new Tally();
const readers: Reader[] = [];
const senders: Sender[] = [];
const credit = new Map<Sender, number>();
let going = false;
let lastTick = performance.now();

setInterval(() => {
  const seconds = (performance.now() - lastTick) / 1_000;
  lastTick = performance.now();
  if (going) for (const sender of senders) pace(sender, seconds);
}, TICK_MS);

function pace(sender: Sender, seconds: number): void {
  const most = Math.max(1, sender.perSecond * MOST_CREDIT_S);
  let may = Math.min(most, (credit.get(sender) ?? Math.random()) + sender.perSecond * seconds);
  for (; may >= 1; may -= 1) sender.sendOne();
  credit.set(sender, may);
}

function read(order: ReadOrder): void {
  readers.push(order.kind === 'sdk' ? new SdkReader(order, journal, tally) : new RawReader(order, journal, tally));
}

function send(order: SendOrder): void {
  senders.push(order.kind === 'sdk' ? new SdkSender(order, journal, tally) : new RawSender(order, journal, tally));
}

function hop(names: readonly string[], url: string): void {
  for (const { reader, hop: go } of readers) if (names.includes(reader)) go?.(url);
}

function state(): CrewState {
  const clients = [...readers, ...senders];
  return {
    ...tally.counts,
    waiting: senders.reduce((sum, { waiting }) => sum + waiting, 0),
    away: clients.filter(({ connected }) => !connected).length,
    positions: Object.fromEntries(readers.map(({ reader, position }) => [reader, position])),
  };
}

async function rest(): Promise<void> {
  for (const { src, waiting } of senders) journal.write({ what: 'waiting', src, count: waiting });
  for (const { reader, node } of readers) journal.write({ what: 'live', reader, node });
  await Promise.all([...readers, ...senders].map((client) => client.close()));
  journal.close();
}

async function leave(name: string): Promise<void> {
  const at = readers.findIndex(({ reader }) => reader === name);
  if (at >= 0) await readers.splice(at, 1)[0]?.close();
}

async function carryOut(command: Command): Promise<unknown> {
  if (command.do === 'read') return read(command.order);
  if (command.do === 'send') return send(command.order);
  if (command.do === 'go') return void (going = true);
  if (command.do === 'stop') return void (going = false);
  if (command.do === 'acknowledge') return readers.find(({ reader }) => reader === command.reader)?.acknowledge();
  if (command.do === 'leave') return leave(command.reader);
  if (command.do === 'hop') return hop(command.readers, command.url);
  return command.do === 'state' ? state() : rest();
}

function answer(text: Answer): void {
  process.send?.(text);
}

process.on('message', ({ number, command }: Order) => {
  carryOut(command).then(
    (result) => answer({ number, result }),
    (error: unknown) => answer({ number, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
