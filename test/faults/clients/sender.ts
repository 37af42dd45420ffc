import { createHash } from 'node:crypto';

/** A client that sends; `tick` makes it send one more, if it may. */
export interface Sender {
  readonly src: string;
  readonly waiting: number;
  readonly connected: boolean;
  readonly perSecond: number;
  sendOne(): void;
  close(): Promise<void>;
}

export interface Reader {
  readonly reader: string;
  readonly node: string;
  readonly position: number;
  readonly connected: boolean;
  acknowledge(): void;
  /** Bare ones only. */
  readonly hop?: (url: string) => void;
  close(): Promise<void>;
}

const LONGEST_SHOWN = 160;

/** A payload as it stands in a journal: long ones by their hash. */
export function shown(payload: string): string {
  if (payload.length <= LONGEST_SHOWN) return payload;
  return `sha256 ${createHash('sha256').update(payload).digest('base64url')}`;
}

/** JSON text that is told apart byte by byte: escapes, white space and signs beyond ASCII stay as they are. */
export function payloadText(src: string, count: number, bytes: number): string {
  return `{"from": "${src}","n":${count}.0,"text":"\\u00e9é \\/ ${'x'.repeat(bytes)}"}`;
}
