import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

/** 128 random bits as 22 url-safe characters: for what must not be guessed or compared. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}

/** A server node's address. The `~` keeps it apart from every id that an application may choose. */
export function newServerNodeId(): string {
  return `~s${randomId()}`;
}

/** A sortable id for what is merely named. */
export function sortableId(): string {
  return uuidv7();
}
