import { z } from 'zod';
import { REFUSALS, type RefusalCode } from '../../protocol/index.js';
import { ChosenId, messageFields, MessageType, WholeNumber } from './wire.js';

const MESSAGES_WANTED = 'a list of messages';

/** The frame of a batch: its elements are texts, which the codec of the websocket judges one by one. */
export const Batch = z.strictObject(
  { messages: z.array(z.string(), MESSAGES_WANTED) },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'a JSON object with messages') },
);

const MessageToSend = z
  .strictObject({
    ...messageFields,
    id: ChosenId.optional().meta({
      description: 'Sent again under the same id, it is the same message for DEDUPE_WINDOW_MS (24 h by default)',
    }),
    type: MessageType.optional().meta({ description: 'The application’s own; default: 0' }),
    report: z.tuple([z.literal('delivered')]).optional(),
    src_id: ChosenId.optional().meta({ description: 'App keys only: a known node in whose name it is sent' }),
  })
  .meta({
    id: 'MessageToSend',
    description: 'Exactly one destination; or dest_session_id with dest_id for a private message inside a session',
  });

/** The whole shape of a batch, for readers. */
export const BatchRequest = z.strictObject({ messages: z.array(MessageToSend) }).meta({
  id: 'BatchRequest',
  examples: [
    {
      messages: [
        { dest_id: 'bob-phone', id: 'r-1', payload: { text: 'Good morning' }, report: ['delivered'] },
        { dest_id: 'bob-phone', transient: true, payload: 'now' },
        { dest_id: 'bob-phnoe', id: 'r-2' },
      ],
    },
  ],
});

const Result = z
  .object({
    id: z.string().nullable().meta({ description: 'null: the message has none that could be read' }),
    status: z.enum(['stored', 'duplicate', 'sent', 'refused']),
    code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]).optional(),
    reason: z.string().optional(),
    field: z.string().optional(),
    retry_after_ms: WholeNumber.optional().meta({ description: 'Not stored, or unknown: send the same id again' }),
  })
  .meta({ id: 'MessageResult', description: 'sent: transient, nothing more will be heard of it' });

export const BatchResults = z
  .object({ results: z.array(Result).meta({ description: 'One for each message, in the same order' }) })
  .meta({
    id: 'BatchResults',
    examples: [
      {
        results: [
          { id: 'r-1', status: 'stored' },
          { id: 'qJ7mZr1tQnmC4b3V0d1k5g', status: 'sent' },
          { id: 'r-2', status: 'refused', code: 'node_unknown', reason: 'no node bob-phnoe was ever seen' },
        ],
      },
    ],
  });

export type Batch = z.infer<typeof Batch>;
export type Result = z.infer<typeof Result>;
export type BatchResults = z.infer<typeof BatchResults>;
