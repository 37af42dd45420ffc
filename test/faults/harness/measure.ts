import { readFileSync } from 'node:fs';
import { type Entry, named, nameOf, of } from '../checker/index.js';
import { monotonic } from '../clients/journal-writer.js';
import { residentBytes } from './child.js';

/** Loaded by a server before its program, so that it collects its garbage every other second. */
const COLLECTING = new URL('collecting.js', import.meta.url).href;

export const MIB = 1024 * 1024;

/** The value below which this part of all lies; 0 of none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** From the sending to the first reading, ms, of all messages that were sent between the two times. */
export function latencies(journal: readonly Entry[], from: number, to: number, dests = /./): number[] {
  const sent = new Map<string, number>();
  for (const entry of of(journal, 'sent')) {
    const { at = 0, dest } = entry;
    if (at >= from && at < to && dests.test(dest)) sent.set(nameOf(entry), at);
  }
  const times: number[] = [];
  for (const entry of of(journal, 'received')) {
    const name = named(entry);
    const sentAt = sent.get(name);
    if (sentAt === undefined || entry.reader.endsWith('/final')) continue;
    sent.delete(name);
    times.push((entry.at ?? 0) - sentAt);
  }
  return times;
}

/**
 * Settings of a server whose memory is to show what it keeps. Left alone, V8 lets the garbage of its old space lie until
 * that has grown to a multiple of what lives: under a steady load of 500 messages a second, with 52 MiB alive from
 * the first minute to the last, resident memory was seen to rise by 1 MiB a second for 100 s and to fall back by all of
 * it at once. When that happens depends on how busy a single second was, and not on what the row does. With a
 * collection every 2 s, from the start on and so in the baseline too, growth is what somebody still holds on to: queues,
 * connections, errors, and what malloc does not give back. All of that is in the figure, peaks included.
 */
export const COLLECTED: Readonly<Record<string, string>> = { NODE_OPTIONS: `--import=${COLLECTING}` };

/** Most resident memory that a process had while it was watched. */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;
  readonly baseline: number;
  most: number;

  constructor(private readonly pid: number) {
    this.baseline = this.most = ownBytes(pid);
    this.timer = setInterval(() => this.look(), 200);
  }

  /** Above the baseline now, MiB. */
  get grown(): number {
    return (ownBytes(this.pid) - this.baseline) / MIB;
  }

  /** The most above the baseline, MiB. */
  stop(): number {
    this.look();
    clearInterval(this.timer);
    return (this.most - this.baseline) / MIB;
  }

  private look(): void {
    this.most = Math.max(this.most, ownBytes(this.pid));
  }
}

/** Resident memory without pages of files, which the kernel takes back when it likes: the embedded store maps its file. */
export function ownBytes(pid: number): number {
  try {
    const kib = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? residentBytes(pid) : Number(kib) * 1024;
  } catch {
    return 0;
  }
}

export const now = monotonic;
