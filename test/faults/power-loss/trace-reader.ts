import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One system call of the traced process; `enter` and `leave` are places in one order over all of its threads. */
export interface Call {
  readonly name: string;
  /** Whose descriptors it is about. */
  process: string;
  /** The arguments as strace prints them, strings in hex. */
  readonly args: string;
  readonly enter: number;
  /** `Infinity` when the trace ends inside it. */
  leave: number;
  /** What it answered; -1 when it failed, or never answered. */
  result: number;
}

const LINE = /^(\d+) +(.*)$/s;
const BEGUN = /^(\w+)\((.*)$/s;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/s;
const UNFINISHED = ' <unfinished ...>';
const RESULT = /\) += (-?\d+|0x[0-9a-f]+)[^=]*$/;

/**
 * Reads what `strace -f -y -xx` wrote. strace handles one stop after the other, and a thread stays stopped until its
 * stop was handled: so what one call caused is always behind that call.
 */
export class TraceReader {
  private readonly unfinished = new Map<string, Call>();
  private line = 0;

  private readonly calls: Call[] = [];

  take(text: string): void {
    const [, thread = '', rest = ''] = LINE.exec(text) ?? [];
    this.line += 1;
    const resumed = RESUMED.exec(rest);
    if (resumed) return this.resume(thread, resumed[2] ?? '');
    const [, name, args = ''] = BEGUN.exec(rest) ?? [];
    if (name === undefined) return;
    const call: Call = { name, process: thread, args, enter: this.line * 2, leave: Infinity, result: -1 };
    if (args.endsWith(UNFINISHED)) this.unfinished.set(thread, call);
    else this.finish(call, args);
    this.calls.push(call);
  }

  /** All calls, in the order of their beginnings. A call knows its thread; whose that is, is known at the end only. */
  end(): Call[] {
    const parents = new Map<string, string>();
    for (const { name, args, process: thread, result } of this.calls) {
      if (name.startsWith('clone') && args.includes('CLONE_THREAD')) parents.set(String(result), thread);
    }
    for (const call of this.calls) {
      for (let parent = parents.get(call.process); parent !== undefined; parent = parents.get(parent)) {
        call.process = parent;
      }
    }
    return this.calls;
  }

  private resume(thread: string, rest: string): void {
    const begun = this.unfinished.get(thread);
    this.unfinished.delete(thread);
    if (begun) this.finish(begun, rest);
  }

  private finish(call: Call, end: string): void {
    const result = RESULT.exec(end.slice(-400))?.[1];
    // Behind a call that the end of the process cut off stands a question mark.
    if (result === undefined) return;
    call.leave = this.line * 2 + 1;
    call.result = Number(result);
  }
}

/** All calls of a trace, in the order of their beginnings. */
export async function readTrace(path: string): Promise<Call[]> {
  const reader = new TraceReader();
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) reader.take(line);
  return reader.end();
}

const DESCRIPTOR = /^(\d+)<((?:\\x[0-9a-f]{2})*)>/;
const STRING = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;

/** The descriptor that a call is about, and what that is open on: a path, or `socket:[number]`. */
export function descriptorOf(args: string): { readonly fd: number; readonly path: string } | undefined {
  const [, fd, path] = DESCRIPTOR.exec(args) ?? [];
  return fd === undefined || path === undefined ? undefined : { fd: Number(fd), path: bytesOf(path).toString() };
}

/** The strings among the arguments, one behind the other: the data of a write. */
export function dataOf(args: string): Buffer {
  const parts: Buffer[] = [];
  for (const [, hex = '', cut] of args.matchAll(STRING)) {
    if (cut !== undefined) throw new Error('the trace has data that was cut');
    parts.push(bytesOf(hex));
  }
  return Buffer.concat(parts);
}

/** The strings among the arguments, as text. */
export function stringsOf(args: string): string[] {
  return Array.from(args.matchAll(STRING), ([, hex = '']) => bytesOf(hex).toString());
}

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

/** The last number among the arguments: an offset, or a length. */
export function lastNumber(args: string): number {
  const numbers = args
    .replace(UNFINISHED, '')
    .replace(/\) += .*$/s, '')
    .match(/-?\d+(?=\D*$)/);
  return Number(numbers?.[0]);
}
