import { z } from 'zod';
import { AnyId, WholeNumber } from './wire.js';

const HINTS_WANTED = 'a JSON object with session_id?, need_80_port?';

export const PreConnectionRequest = z
  .strictObject(
    {
      session_id: AnyId.optional().meta({ description: 'A hint: the session that the connection is for' }),
      need_80_port: z
        .boolean('true or false')
        .optional()
        .meta({ description: 'Only ports 80 and 443 are open where the client is' }),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : HINTS_WANTED) },
  )
  .meta({ id: 'PreConnectionRequest', examples: [{ session_id: 's-1', need_80_port: false }] });

export const PreConnection = z
  .object({
    url: z.string().meta({
      description: 'Open it as it stands',
    }),
    validation_key: z.string().meta({ description: 'Opens one websocket, once' }),
    expires_in: WholeNumber.meta({ description: 'Seconds' }),
    server: z.object({
      node_id: z.string(),
      host: z.string(),
      port: WholeNumber,
      proxy_host: z.string().optional(),
      tls: z.boolean(),
    }),
  })
  .meta({
    id: 'PreConnection',
    examples: [
      {
        url: 'ws://localhost:8080/connect?validation_key=2uUcBSmNiDpAWFxBVlQVoA',
        validation_key: '2uUcBSmNiDpAWFxBVlQVoA',
        expires_in: 60,
        server: { node_id: '~sVYvJ3Yw0R1m7yY6Yq2c3Hg', host: 'localhost', port: 8080, tls: false },
      },
    ],
  });

export type PreConnectionRequest = z.infer<typeof PreConnectionRequest>;
export type PreConnection = z.infer<typeof PreConnection>;
