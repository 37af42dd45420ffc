export abstract class SessionsSettings {
  /** Most nodes of one client. */
  abstract readonly clientMaxNodes: number;
  /** Most members of one session. */
  abstract readonly sessionMaxMembers: number;
  /** Members up to which what happens in a session is announced to all of them. */
  abstract readonly eventsMembers: number;
  /** An entry that is still open after this (ms) is driven by whoever sees it. */
  abstract readonly openEntryRecoveryMs: number;
  /** Random bits of an alias. */
  abstract readonly aliasRandomBits: number;
  /** How long (ms) a transient message may rely on a membership that was read before. */
  abstract readonly membershipTrustMs: number;
}
