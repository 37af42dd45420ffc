import type { Frame } from './talker.js';

/** A message whose sender wants to hear that it was acknowledged. */
export const reported = (id: string, nodeId: string): Frame => ({ dest_id: nodeId, id, report: ['delivered'] });
/** What the sender hears. */
export const delivered = (id: string, nodeId: string): Frame => ({
  type: -112,
  id,
  status: 'delivered',
  dest_id: nodeId,
});
export const isReport = ({ status }: Frame): boolean => status === 'delivered';
