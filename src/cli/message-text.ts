import { rawField, type InboxEntry } from '@allspark/client';

const PAYLOADS = ['payload', 'payload1', 'payload2'] as const;

/** Controls that could redraw a terminal or turn the direction of its text; a JSON text may hold them as they are. */
const TERMINAL_CONTROLS = /[\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

/** The frame as it came, on one line: a line end can only stand between the parts of a JSON text, never in a string. */
export const jsonLine = ({ raw }: InboxEntry): string => raw.replaceAll(/[\r\n]+/g, ' ');

/** For people: when, from whom, what, and where in the inbox. */
export function entryLine(entry: InboxEntry): string {
  if (entry.kind === 'gone') return `seq ${entry.seq}: a message that may no longer be read (${entry.reason})`;
  if (entry.kind === 'gap') {
    const group = entry.destSessionId ?? entry.destClientId ?? '';
    return `seq ${entry.seq}: messages of ${group} were left out from session_seq ${entry.fromSessionSeq} on`;
  }
  const type = entry.type === 0 ? '' : ` type ${entry.type}`;
  const group = entry.destClientId === undefined ? '' : ` (client ${entry.destClientId})`;
  const place = entry.seq === undefined ? 'transient' : `seq ${entry.seq}`;
  return `${timeOfDay(entry.timestamp)} ${entry.srcId}${group} ->${type}${payloadText(jsonLine(entry))}  [${place}]`;
}

function payloadText(raw: string): string {
  const given = PAYLOADS.map((name) => ({ name, text: rawField(raw, name) })).filter(({ text }) => text !== undefined);
  return given
    .map(({ name, text = '' }) => (name === 'payload' ? ` ${text}` : ` ${name}=${text}`))
    .join('')
    .replaceAll(TERMINAL_CONTROLS, escaped);
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

function timeOfDay(ms: number): string {
  const time = new Date(ms);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
  return `${parts.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
