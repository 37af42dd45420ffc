/** Anchored and without overlapping parts, so linear; passport-jwt's own header parser takes quadratic time. */
const BEARER = /^Bearer +([^\s,]+)$/i;

/** The token of an `Authorization` header, or `null` when there is none of this scheme. */
export function bearerToken(authorization: string | undefined): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? null;
}
