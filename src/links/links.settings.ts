import type { KeyPairFiles } from '../common/key-pair.js';

/** How server nodes reach each other. Times in ms, sizes in bytes. */
export abstract class LinksSettings {
  /** What the server nodes of one cluster share; at least 32 bytes. A function, so that no dump shows it. */
  abstract readonly secret: { reveal(): string };
  /** PEM of the authorities that other server nodes' certificates are judged by; undefined: those that node.js trusts. */
  abstract readonly ca: string | undefined;
  /** A listener of its own for links; undefined: the public one. */
  abstract readonly listener: LinkListenerSettings | undefined;
  abstract readonly pingIntervalMs: number;
  /** Silence after which a link is dead. */
  abstract readonly deadMs: number;
  abstract readonly reconnectMinMs: number;
  abstract readonly reconnectMaxMs: number;
  /** What may wait for one peer, and what one message of a peer may take here. */
  abstract readonly waitingBytes: number;
}

export interface LinkListenerSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Read at the start, and again for as long as it listens. */
  readonly tls?: KeyPairFiles;
}
