import { dirname } from 'node:path';
import { type Call, bytesOf, dataOf, descriptorOf, lastNumber, stringsOf } from './trace-reader.js';

/** A change of the file that was asked for. */
export interface Change {
  readonly enter: number;
  readonly leave: number;
  readonly kind: 'write' | 'truncate';
  /** Where, or how long the file is to be. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** On the disk when the call returns. */
  readonly isSynced: boolean;
}

export interface Sync {
  readonly enter: number;
  readonly leave: number;
}

/** What was asked of one file, and of the folder that names it. */
export interface FileHistory {
  readonly changes: readonly Change[];
  readonly syncs: readonly Sync[];
  /** From here on the folder may name the file. */
  readonly createdAt: number;
  /** From here on the folder is sure to name the file; `Infinity` for never. */
  readonly namedFrom: number;
}

interface Opened {
  readonly isSynced: boolean;
  position: number;
}

const WRITES = new Set(['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2']);
/** Ways to change a file that the replay knows nothing of. */
const UNKNOWN = new Set(['fallocate', 'sync_file_range', 'copy_file_range', 'sendfile', 'io_uring_setup']);

/** Collects the history of one file; throws where the trace shows a way to it that cannot be followed. */
class Historian {
  readonly changes: Change[] = [];
  readonly syncs: Sync[] = [];
  namedFrom = Infinity;
  createdAt = Infinity;
  private readonly open = new Map<string, Opened>();

  constructor(
    private readonly path: string,
    /** The name under which it was made, when it was linked into its place. */
    private readonly draft: string | undefined,
  ) {}

  take(call: Call): void {
    if (call.name === 'io_uring_setup') throw new Error('what is written by io_uring cannot be followed');
    if (call.name === 'openat') return this.opened(call);
    if (call.name === 'mmap') return this.mapped(call);
    if (/^(un)?link|^rename|^creat$/.test(call.name)) return this.named(call);
    const on = descriptorOf(call.args);
    if (on?.path === dirname(this.path) && call.name === 'fsync') this.folderSynced(call);
    if (on && this.isOurs(on.path)) this.used(call, `${call.process} ${on.fd}`);
  }

  private isOurs(path: string): boolean {
    return path === this.path || path === this.draft;
  }

  private opened(call: Call): void {
    const path = stringsOf(call.args)[0] ?? '';
    if (call.result < 0 || !this.isOurs(path)) return;
    if (/O_CREAT/.test(call.args) && path === this.path) this.createdAt = Math.min(this.createdAt, call.leave);
    this.open.set(`${call.process} ${call.result}`, { isSynced: /O_D?SYNC/.test(call.args), position: 0 });
  }

  private mapped(call: Call): void {
    const path = /, \d+<((?:\\x[0-9a-f]{2})*)>/.exec(call.args)?.[1] ?? '';
    if (this.isOurs(bytesOf(path).toString()) && /MAP_SHARED/.test(call.args) && /PROT_WRITE/.test(call.args)) {
      throw new Error(`${this.path} is written by a mapping, which cannot be followed`);
    }
  }

  private named(call: Call): void {
    const [from, to = from] = stringsOf(call.args);
    if (call.result < 0 || to !== this.path) return;
    if (!call.name.startsWith('link')) throw new Error(`${this.path}: ${call.name} is not followed`);
    this.createdAt = Math.min(this.createdAt, call.leave);
  }

  private folderSynced(call: Call): void {
    if (call.result === 0 && call.enter > this.createdAt) this.namedFrom = Math.min(this.namedFrom, call.leave);
  }

  private used(call: Call, fd: string): void {
    const opened = this.open.get(fd);
    if (!opened) throw new Error(`${call.name} on a descriptor that was never seen to be opened`);
    if (call.name === 'close') this.open.delete(fd);
    else if (call.name === 'lseek') opened.position = call.result;
    else if (WRITES.has(call.name)) this.written(call, opened);
    else if (call.name === 'ftruncate') this.change(call, 'truncate', lastNumber(call.args), Buffer.alloc(0), opened);
    else if (call.name === 'fsync' || call.name === 'fdatasync') this.synced(call);
    else if (UNKNOWN.has(call.name) || call.name.startsWith('dup')) throw new Error(`${call.name} is not followed`);
  }

  private written(call: Call, opened: Opened): void {
    const bytes = dataOf(call.args);
    const isPlaced = call.name.startsWith('p');
    const offset = isPlaced ? lastNumber(call.args) : opened.position;
    if (!isPlaced) opened.position += Math.max(0, call.result);
    this.change(call, 'write', offset, bytes, opened);
  }

  private change(call: Call, kind: Change['kind'], offset: number, bytes: Buffer, { isSynced }: Opened): void {
    const { enter, leave } = call;
    this.changes.push({ enter, leave, kind, offset, bytes, isSynced: isSynced && call.result >= 0 });
  }

  private synced({ enter, leave, result }: Call): void {
    if (result === 0) this.syncs.push({ enter, leave });
  }
}

export function historyOf(path: string, calls: readonly Call[]): FileHistory {
  const link = calls.find(
    (call) => call.result === 0 && call.name.startsWith('link') && stringsOf(call.args)[1] === path,
  );
  const historian = new Historian(path, link && stringsOf(link.args)[0]);
  for (const call of calls) historian.take(call);
  return historian;
}

/** Whether a change was on the disk for sure when the call at `moment` began. */
export function isDurable(change: Change, syncs: readonly Sync[], moment: number): boolean {
  if (change.isSynced && change.leave < moment) return true;
  return syncs.some((sync) => sync.enter > change.leave && sync.leave < moment);
}

const SECTOR = 512;

/** Which of the sectors of a change that was not synced reached the disk. */
export type Survival = (sector: number) => boolean;
/** In place of a sector: the name of the file. */
const NAME = -1;

/** What the disk holds of one file, moment by moment; moments may only rise. */
export class ShadowDisk {
  /** All changes of a beginning that is on the disk as a whole. */
  private base = Buffer.alloc(0);
  private tail: Change[] = [];
  private next = 0;

  constructor(private readonly history: FileHistory) {}

  /** The file as it would be found after a power loss when the call at `moment` begins; `undefined` when it has no name. */
  imageAt(moment: number, survives: Survival): Buffer | undefined {
    this.advance(moment);
    if (!this.isNamed(moment, survives)) return undefined;
    let image = Buffer.from(this.base);
    for (const change of this.tail) {
      if (isDurable(change, this.history.syncs, moment)) image = apply(image, change);
      else image = applyPart(image, change, survives);
    }
    return image;
  }

  private isNamed(moment: number, survives: Survival): boolean {
    const { createdAt, namedFrom } = this.history;
    return namedFrom < moment || (createdAt < moment && survives(NAME));
  }

  /** So many changes were begun and are not sure to be on the disk. */
  unsynced(moment: number): number {
    this.advance(moment);
    return this.tail.filter((change) => !isDurable(change, this.history.syncs, moment)).length;
  }

  private advance(moment: number): void {
    const { changes, syncs } = this.history;
    for (let change = changes[this.next]; change && change.enter < moment; change = changes[this.next]) {
      this.tail.push(change);
      this.next += 1;
    }
    while (this.tail[0] && isDurable(this.tail[0], syncs, moment)) this.base = apply(this.base, this.tail.shift()!);
  }
}

function apply(image: Buffer<ArrayBuffer>, change: Change): Buffer<ArrayBuffer> {
  if (change.kind === 'truncate') return resized(image, change.offset);
  const grown = resized(image, Math.max(image.length, change.offset + change.bytes.length));
  change.bytes.copy(grown, change.offset);
  return grown;
}

function applyPart(image: Buffer<ArrayBuffer>, change: Change, survives: Survival): Buffer<ArrayBuffer> {
  let result = image;
  if (change.kind === 'truncate') return survives(0) ? apply(image, change) : image;
  const end = change.offset + change.bytes.length;
  for (let from = change.offset; from < end;) {
    const to = Math.min(end, (Math.floor(from / SECTOR) + 1) * SECTOR);
    const bytes = change.bytes.subarray(from - change.offset, to - change.offset);
    if (survives(Math.floor(from / SECTOR))) result = apply(result, { ...change, offset: from, bytes });
    from = to;
  }
  return result;
}

function resized(image: Buffer<ArrayBuffer>, length: number): Buffer<ArrayBuffer> {
  if (image.length === length) return image;
  const other = Buffer.alloc(length);
  image.copy(other);
  return other;
}
