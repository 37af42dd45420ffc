import { AllsparkClient, type InboxPage, type InboxRange } from '@allspark/client';
import { WebSocket } from 'ws';
import { callFault, clientCall, type CallOptions } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { usage } from './fault.js';
import { entryLine, jsonLine } from './message-text.js';
import { isClosedPipe, printLine } from './output.js';

export interface InboxOptions extends CallOptions, InboxRange {
  readonly ack?: number;
}

/** Reads an inbox by HTTP, which takes nothing out of it; or acknowledges up to `--ack`. */
export async function inbox(options: InboxOptions, args: readonly string[]): Promise<number> {
  const range = rangeOf(options);
  if (options.ack !== undefined && Object.keys(range).length > 0)
    throw usage('--ack reads nothing: leave out the range');
  const call = await clientCall(options, args, 0);
  const client = new AllsparkClient({ url: call.url, authKey: call.authKey, WebSocket });
  try {
    if (options.ack === undefined) await print(await client.readInbox(range), options.json === true);
    else await printAcknowledged(await client.ackInbox(options.ack), options.json === true);
  } catch (error) {
    if (!isClosedPipe(error)) throw callFault(error, call);
  } finally {
    await client.close();
  }
  return EXIT.ok;
}

function rangeOf({ afterSeq, beforeSeq, afterTime, beforeTime, limit }: InboxOptions): InboxRange {
  const range = { afterSeq, beforeSeq, afterTime, beforeTime, limit };
  return Object.fromEntries(Object.entries(range).filter(([, value]) => value !== undefined));
}

function printAcknowledged(ackedSeq: number, json: boolean): Promise<void> {
  return printLine(json ? JSON.stringify({ ackedSeq }) : `acknowledged up to seq ${ackedSeq}`);
}

async function print(page: InboxPage, json: boolean): Promise<void> {
  for (const entry of page.messages) await printLine(json ? jsonLine(entry) : entryLine(entry));
  await printLine(json ? summaryJson(page) : summaryLine(page));
}

function summaryJson({ messages, ...summary }: InboxPage): string {
  return JSON.stringify({ summary: { shown: messages.length, ...summary } });
}

export function summaryLine({ messages, epoch, floorSeq, tailSeq, ackedSeq, complete }: InboxPage): string {
  const waiting = Math.max(0, tailSeq - Math.max(ackedSeq, floorSeq - 1));
  const last = messages.at(-1)?.seq;
  const more = complete || last === undefined ? '' : `; more behind --after-seq ${last}`;
  const shown = `${messages.length} shown, ${waiting} not acknowledged`;
  return `-- ${shown} (acked ${ackedSeq}, floor ${floorSeq}, tail ${tailSeq}, epoch ${epoch})${more}`;
}
