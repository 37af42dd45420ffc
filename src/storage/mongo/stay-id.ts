import { rowId } from './row-id.js';

/** (log, node, joined) as one text that sorts as the three do. No id holds a control character. */
export function stayId(log: string, nodeId: string, joined: number): string {
  return rowId(`${log}\u0000${nodeId}`, joined);
}

/** Above every stay of the node in the group, below every one of the next. */
export function behindStaysOf(log: string, nodeId: string): string {
  return `${log}\u0000${nodeId}\u0001`;
}
