import { z } from 'zod';
import { CloseReason, WholeNumber } from './wire.js';

export const DisconnectQuery = z.strictObject({ reason: CloseReason.optional() });

export const Disconnected = z
  .object({ closed: WholeNumber.meta({ description: 'How many connections, in the whole cluster' }) })
  .meta({ id: 'Disconnected', examples: [{ closed: 2 }] });

export type DisconnectQuery = z.infer<typeof DisconnectQuery>;
export type Disconnected = z.infer<typeof Disconnected>;
