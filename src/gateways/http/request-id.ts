import type { Request, Response } from 'express';
import { sortableId } from '../../common/ids.js';

const HEADER = 'X-Request-Id';

/** The id of the call that this response answers. It is always ours: one from outside could be made to mislead. */
export function requestIdOf(response: Response): string {
  const present = response.getHeader(HEADER);
  if (typeof present === 'string') return present;
  const id = sortableId();
  response.setHeader(HEADER, id);
  return id;
}

/** The path as it was asked for, without the query. */
export function pathOf(request: Request): string {
  return request.originalUrl.split('?', 1)[0] ?? '';
}
