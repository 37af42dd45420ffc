import { z } from 'zod';
import { ChosenId, Milliseconds, WholeNumber } from './wire.js';

export const Node = z
  .object({
    node_id: ChosenId,
    client_id: z.string().nullable(),
    connected: z.boolean(),
    connections: z.array(z.object({ connection_id: z.string(), server_node_id: z.string(), since: Milliseconds })),
    last_seen: z.nullable(Milliseconds),
    inbox: z.object({ tail_seq: WholeNumber, acked_seq: WholeNumber, pending: WholeNumber }),
  })
  .meta({
    id: 'Node',
    examples: [
      {
        node_id: 'bob-phone',
        client_id: 'bob',
        connected: true,
        connections: [
          {
            connection_id: '019b76da-a800-7c3e-9d52-6b1f2f1c8a44',
            server_node_id: '~sVYvJ3Yw0R1m7yY6Yq2c3Hg',
            since: 1_767_225_599_000,
          },
        ],
        last_seen: 1_767_225_540_000,
        inbox: { tail_seq: 57, acked_seq: 40, pending: 17 },
      },
    ],
  });

export type Node = z.infer<typeof Node>;
