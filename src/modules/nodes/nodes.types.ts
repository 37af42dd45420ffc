/** The caller's side of a key: which node it is and which client owns it. */
export interface KeyOfNode {
  readonly nodeId: string;
  readonly clientId: string | null;
  /** `iat` of the key, seconds since 1970. */
  readonly issuedAt: number;
}
