import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Answer, Command, CrewState, ReadOrder, SendOrder } from '../clients/commands.js';
import { residentBytes } from './child.js';
import { CLIENTS } from './places.js';
import { SECRET } from './server-node.js';
import { within } from './wait.js';

const LOW_PRIORITY = 15;
const CONNECT_MS = 60_000;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

type Without<T> = Omit<T, 'secret'>;

/** A process full of clients, seen from the runner. */
export class Crew {
  private readonly child: ChildProcess;
  private readonly open = new Map<number, (answer: Answer) => void>();
  private count = 0;
  /** At rest, or dead: it takes no more orders. */
  isOver = false;

  constructor(readonly journal: string) {
    this.child = fork(CLIENTS, [journal]);
    running.add(this.child);
    this.child.on('message', (answer: Answer) => {
      this.open.get(answer.number)?.(answer);
      this.open.delete(answer.number);
    });
    this.child.once('exit', () => {
      running.delete(this.child);
      this.isOver = true;
      for (const [number, settle] of this.open) settle({ number, error: 'the process of clients ended' });
    });
  }

  get residentBytes(): number {
    return residentBytes(this.child.pid ?? 0);
  }

  read(order: Without<ReadOrder>): Promise<unknown> {
    return this.tell({ do: 'read', order: { ...order, secret: SECRET } });
  }

  send(order: Without<SendOrder>): Promise<unknown> {
    return this.tell({ do: 'send', order: { ...order, secret: SECRET } });
  }

  async state(): Promise<CrewState> {
    return (await this.tell({ do: 'state' })) as CrewState;
  }

  async tell(command: Command): Promise<unknown> {
    const number = (this.count += 1);
    const answer = await new Promise<Answer>((resolve) => {
      if (this.isOver) return resolve({ number, error: 'the process of clients has ended' });
      this.open.set(number, resolve);
      this.child.send({ number, command });
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }

  /** Resolves when every client has its connection. */
  async connected(): Promise<void> {
    await within(CONNECT_MS, async () => (await this.state()).away === 0, 100);
  }

  /** On the CPU these clients give way to others, so that what others wait for is the server. */
  giveWay(): void {
    setPriority(this.child.pid ?? 0, LOW_PRIORITY);
  }

  /** Writes down how it ends, closes all clients and ends the process. */
  async rest(): Promise<void> {
    await this.tell({ do: 'rest' });
    this.isOver = true;
    this.end();
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}
