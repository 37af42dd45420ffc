import { rawField, type InboxEntry, type Message, type SessionEvent } from '@allspark/client';

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
  if (entry.kind === 'event') return `${timeOfDay(entry.timestamp)} ${eventText(entry)}  [${placeOf(entry)}]`;
  const type = entry.type === 0 ? '' : ` type ${entry.type}`;
  const text = payloadText(jsonLine(entry));
  return `${timeOfDay(entry.timestamp)} ${entry.srcId}${groupText(entry)} ->${type}${text}  [${placeOf(entry)}]`;
}

function eventText({ event, destSessionId, srcId, nodeId }: SessionEvent): string {
  if (event === 'ended') return `session ${destSessionId}: ${srcId} ended it`;
  if (event === 'revealed') return `session ${destSessionId}: ${srcId} is ${nodeId ?? 'somebody'}`;
  return `session ${destSessionId}: ${srcId} ${event}`;
}

function groupText({ destClientId, destSessionId, destId }: Message): string {
  if (destClientId !== undefined) return ` (client ${destClientId})`;
  if (destSessionId === undefined) return '';
  return destId === undefined ? ` (session ${destSessionId})` : ` (session ${destSessionId}, privately to ${destId})`;
}

/** What was read from history has no seq: it did not come out of the inbox. */
function placeOf({ seq, sessionSeq }: Message | SessionEvent): string {
  if (seq !== undefined) return `seq ${seq}`;
  return sessionSeq === undefined ? 'transient' : `session_seq ${sessionSeq}`;
}

function payloadText(raw: string): string {
  const given = PAYLOADS.map((name) => ({ name, text: rawField(raw, name) })).filter(({ text }) => text !== undefined);
  return printable(given.map(({ name, text = '' }) => (name === 'payload' ? ` ${text}` : ` ${name}=${text}`)).join(''));
}

/** JSON text that does nothing to a terminal. */
export const printable = (json: string): string => json.replaceAll(TERMINAL_CONTROLS, escaped);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

function timeOfDay(ms: number): string {
  const time = new Date(ms);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
  return `${parts.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
