import { readFile } from 'node:fs/promises';
import { failing, fine, remark, type Finding } from './finding.js';

const FLOOR = { major: 20, minor: 19 };

/** Files that are open besides the sockets: the store, logs, modules. */
const OTHER_FILES = 256;

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > FLOOR.major || (major === FLOOR.major && minor >= FLOOR.minor);
  if (isEnough) return fine('node', `Node.js ${version}`);
  return failing('node', `Node.js ${version}`, `install Node.js ${FLOOR.major}.${FLOOR.minor} or newer`);
}

/** `limit` undefined: this system does not tell. */
export function judgeFileDescriptors(limit: number | undefined, capacity: number): Finding {
  const check = 'file descriptors';
  if (limit === undefined) return fine(check, 'the limit is not told here');
  const needed = capacity + OTHER_FILES;
  if (limit >= needed) return fine(check, `${limit} may be open, enough for CAPACITY=${capacity}`);
  const advice = `for more, raise it (ulimit -n ${needed}, LimitNOFILE in a unit file); or set CAPACITY to what it bears`;
  const bears = Math.max(0, limit - OTHER_FILES);
  return remark(check, `${limit} may be open: enough for ${bears} connections, CAPACITY allows ${capacity}`, advice);
}

/** Of this process; the hard limit counts, for Node.js raises the other to it when it starts. */
export async function fileDescriptorLimit(): Promise<number | undefined> {
  try {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
    return hard === 'unlimited' ? Number.POSITIVE_INFINITY : hard === undefined ? undefined : Number(hard);
  } catch {
    return undefined;
  }
}
