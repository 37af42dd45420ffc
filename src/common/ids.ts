import { randomBytes, randomFillSync } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

const ID_BYTES = 16;
/** Fetched from the system for many ids at once: one call each would cost more than all else that a message costs. */
const pool = Buffer.alloc(256 * ID_BYTES);
let used = pool.length;

/** 128 random bits as 22 url-safe characters: for what must not be guessed or compared. */
export function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.toString('base64url', used - ID_BYTES, used);
}

/** A session's id: 128 random bits, behind a letter, so that no command line takes it for a flag. */
export function newSessionId(): string {
  return `s${randomId()}`;
}

/** What an anonymous member is known by. The `~` keeps it apart from every id that an application may choose. */
export function newAlias(randomBits: number): string {
  return `~${randomBytes(Math.ceil(randomBits / 8)).toString('base64url')}`;
}

/** A server node's address. The `~` keeps it apart from every id that an application may choose. */
export function newServerNodeId(): string {
  return `~s${randomId()}`;
}

/** A sortable id for what is merely named. */
export function sortableId(): string {
  return uuidv7();
}
