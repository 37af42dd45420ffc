import { AllsparkError } from './errors.js';

/** Why a connection, or the client, ended. */
export interface Loss {
  code?: number;
  reason?: string;
  error?: unknown;
}

export const lostError = (id?: string): AllsparkError =>
  new AllsparkError({ code: 'not_connected', reason: 'the connection is lost', ...(id === undefined ? {} : { id }) });

export function closedError(id?: string, { code, reason, error }: Loss = {}): AllsparkError {
  const why = [code, reason].filter((part) => part !== undefined && part !== '').join(' ');
  return new AllsparkError({
    code: 'closed',
    reason: why === '' ? 'the client is closed' : `the client is closed: ${why}`,
    ...(id === undefined ? {} : { id }),
    ...(error === undefined ? {} : { cause: error }),
  });
}
