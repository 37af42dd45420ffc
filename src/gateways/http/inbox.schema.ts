import { z } from 'zod';
import { messageFields, MessageType, Milliseconds, WholeNumber, WholeNumberText } from './wire.js';

const EPOCH_EXAMPLE = 'Zs7dEGpqBbqjWl3D3kUk2w';

export const InboxBounds = z.strictObject({
  after_seq: WholeNumberText.optional(),
  before_seq: WholeNumberText.optional(),
  after_time: WholeNumberText.optional(),
  before_time: WholeNumberText.optional(),
  limit: WholeNumberText.optional(),
});

const ReceivedMessage = z
  .object({
    seq: WholeNumber,
    timestamp: Milliseconds,
    type: MessageType,
    id: z.string(),
    src_id: z.string(),
    src_client_id: z.string().optional(),
    ...messageFields,
  })
  .meta({ id: 'ReceivedMessage' });

const GoneMessage = z
  .object({ type: z.literal(-116), seq: WholeNumber, reason: z.enum(['expired', 'withdrawn']) })
  .meta({ id: 'GoneMessage', description: 'In place of a message that may no longer be read' });

export const InboxPage = z
  .object({
    messages: z.array(z.union([ReceivedMessage, GoneMessage])),
    epoch: z.string(),
    floor_seq: WholeNumber.meta({ description: 'The lowest seq that can still be read' }),
    tail_seq: WholeNumber.meta({ description: 'The newest seq; 0 in an empty inbox' }),
    acked_seq: WholeNumber,
    complete: z.boolean().meta({ description: 'Whether nothing more lies between the bounds' }),
  })
  .meta({
    id: 'InboxPage',
    examples: [
      {
        messages: [
          { type: -116, seq: 41, reason: 'expired' },
          {
            seq: 42,
            timestamp: 1_767_225_600_123,
            type: 0,
            dest_id: 'bob-phone',
            id: 'm-1',
            src_id: 'alice-phone',
            src_client_id: 'alice',
            payload: { text: 'Good morning' },
          },
        ],
        epoch: EPOCH_EXAMPLE,
        floor_seq: 1,
        tail_seq: 57,
        acked_seq: 40,
        complete: false,
      },
    ],
  });

export const Acknowledgement = z
  .strictObject(
    {
      seq: WholeNumber.meta({ description: 'Everything up to here was processed' }),
      epoch: z.string('the epoch, as hello or a page told it').optional(),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'a JSON object with seq, epoch?') },
  )
  .meta({ id: 'Acknowledgement', examples: [{ seq: 42, epoch: EPOCH_EXAMPLE }] });

export const Acknowledged = z
  .object({ acked_seq: WholeNumber })
  .meta({ id: 'Acknowledged', examples: [{ acked_seq: 42 }] });

export type InboxBounds = z.infer<typeof InboxBounds>;
export type Acknowledgement = z.infer<typeof Acknowledgement>;
export type Acknowledged = z.infer<typeof Acknowledged>;
