import type { Of } from '../checker/entries.js';

type Frame = Readonly<Record<string, unknown>>;
type Fields = Pick<Of<'received'>, 'group' | 'groupSeq' | 'event'>;

const EVENTS: ReadonlyMap<unknown, Fields['event']> = new Map([
  [100, 'joined'],
  [103, 'left'],
  [104, 'revealed'],
  [105, 'ended'],
  [-115, 'gap'],
]);

/** What a journal keeps of a frame that came by way of a session or a client; nothing of others. */
export function groupFields(frame: Frame): Fields {
  const group = frame['dest_session_id'] ?? frame['dest_client_id'];
  if (typeof group !== 'string') return {};
  const event = EVENTS.get(frame['type']);
  const groupSeq = Number(frame['session_seq'] ?? frame['from_session_seq']);
  return { group, groupSeq, ...(event && { event }) };
}

/** A field that is a text; '' where there is none. */
export function wordIn(frame: Frame, field: string): string {
  const value = frame[field];
  return typeof value === 'string' ? value : '';
}
