import { rawField } from '@allspark/client';
import type { Entry } from '../faults/checker/index.js';
import type { ProcessNode } from './process-node.js';
import { type Frame, Talker } from './talker.js';

/** What all clients of one run write down, and who waits for how much of it. */
export class Journal {
  readonly entries: Entry[] = [];
  /** How many receipts there were. */
  confirmed = 0;
  private readonly positions = new Map<string, number>();
  private waiting = new Set<() => void>();

  write(entry: Entry): void {
    this.entries.push(entry);
    if (entry.what === 'confirmed') this.confirmed += 1;
    if (entry.what === 'received') this.positions.set(entry.reader, entry.seq);
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** How far a reader is. */
  positionOf(reader: string): number {
    return this.positions.get(reader) ?? 0;
  }

  /** Resolves as soon as what is written down fits. */
  async until(fits: () => boolean): Promise<void> {
    while (!fits()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }
}

/** A sender goes on until it is told to stop, and ends when everything that it began has its receipt. */
export interface Sending {
  stop(): void;
  readonly ended: Promise<void>;
}

const IN_FLIGHT = 16;

/** Sends through a client of the library, so many at a time to each destination in turn. */
export function sendByClient(server: ProcessNode, journal: Journal, src: string, dests: readonly string[]): Sending {
  const client = server.client(src);
  const stopping = new AbortController();
  let count = 0;
  const one = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const dest = dests[count % dests.length] as string;
      const id = `${src}-${(count += 1)}`;
      journal.write({ what: 'sent', lane: src, src, dest, id, payload: `"${id}"` });
      await client.send({ destId: dest, id, payload: id });
      journal.write({ what: 'confirmed', src, dest, id });
    }
  };
  const run = async (): Promise<void> => {
    await client.connect();
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  };
  return { stop: () => stopping.abort(), ended: run() };
}

/** Sends over bare connections: on each new one first, oldest first, what has no receipt. */
export function sendBare(server: ProcessNode, journal: Journal, src: string, dest: string): Sending {
  const stopping = new AbortController();
  let count = 0;
  const open = new Map<string, string>();
  const begin = (): void => {
    const id = `${src}-${(count += 1)}`;
    open.set(id, `{"dest_id":"${dest}","id":"${id}","payload":{"n":${count}}}`);
    journal.write({ what: 'sent', lane: src, src, dest, id, payload: `{"n":${count}}` });
  };
  const connection = async (): Promise<void> => {
    const talker = await Talker.open(server, src);
    for (const text of open.values()) talker.sendText(text);
    for (;;) {
      while (!stopping.signal.aborted && open.size < IN_FLIGHT) {
        begin();
        talker.sendText([...open.values()].at(-1) as string);
      }
      if (open.size === 0) return void (await talker.close());
      const { type, id } = await talker.next((frame) => frame['id'] !== undefined);
      if (type !== -112) return void (await talker.close());
      if (open.delete(String(id))) journal.write({ what: 'confirmed', src, dest, id: String(id) });
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted || open.size > 0) {
      await server.up();
      await connection().catch(() => undefined);
    }
  };
  return { stop: () => stopping.abort(), ended: run() };
}

/** Reads a node's inbox through a client of the library. */
export async function readByClient(server: ProcessNode, journal: Journal, node: string): Promise<void> {
  const reader = `client of ${node}`;
  journal.write({ what: 'opened', reader, node, after: 0 });
  const client = server.client(node, {
    acks: { ackAfterMessages: 20 },
    onMessage: ({ seq = 0, srcId, id, raw }) => {
      const payload = rawField(raw, 'payload') ?? '';
      journal.write({ what: 'received', reader, node, seq, src: srcId, id, payload });
    },
    onStatus: (event) => {
      if ('hello' in event) journal.write({ what: 'acked', node, seq: event.hello.ackedSeq });
    },
  });
  await client.connect();
}

/** Reads a node's inbox over bare connections, resuming where the last one ended, until `last` is there. */
export async function readBare(server: ProcessNode, journal: Journal, node: string, last: () => number): Promise<void> {
  const reader = `bare connection of ${node}`;
  let position = 0;
  let epoch: string | undefined;
  const connection = async (): Promise<void> => {
    const query = epoch === undefined ? '' : `?epoch=${epoch}&last_seq=${position}`;
    const talker = await Talker.open(server, node, { query });
    epoch = String(talker.hello['epoch']);
    journal.write({ what: 'acked', node, seq: Number(talker.hello['acked_seq']) });
    journal.write({ what: 'opened', reader, node, after: position });
    while (position < last()) {
      const text = await talker.nextText(({ seq }) => seq !== undefined);
      const { seq, src_id: src, id } = JSON.parse(text) as Frame;
      position = Number(seq);
      const payload = rawField(text, 'payload') ?? '';
      journal.write({ what: 'received', reader, node, seq: position, src: String(src), id: String(id), payload });
      if (position % 32 === 0) talker.ack(position);
    }
  };
  while (position < last()) {
    await server.up();
    await connection().catch(() => undefined);
  }
}
