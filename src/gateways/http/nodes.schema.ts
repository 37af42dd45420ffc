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
  .meta({ id: 'Node' });

export type Node = z.infer<typeof Node>;
