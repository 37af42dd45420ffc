const CHOSEN_ID = /^[A-Za-z0-9_\-.:@][A-Za-z0-9_\-.:~@]{0,127}$/;
const ANY_ID = /^[A-Za-z0-9_\-.:~@]{1,128}$/;

export const ID_WANTED = '1 to 128 characters of A-Z a-z 0-9 _ - . : ~ @, not beginning with ~';
export const ADDRESS_WANTED = '1 to 128 characters of A-Z a-z 0-9 _ - . : ~ @';

/** Whether this is an id that an application may choose: a node, a client, a session or a message of its own. */
export function isChosenId(value: unknown): value is string {
  return typeof value === 'string' && CHOSEN_ID.test(value);
}

/** Whether this is an id at all: chosen, or made by the server (aliases and server nodes begin with `~`). */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ANY_ID.test(value);
}
