import { X509Certificate } from 'node:crypto';
import { Server as TlsServer } from 'node:tls';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock, type Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { HttpSettings } from './http.settings.js';
import { faultOf, fingerprintOf, type KeyPair, type KeyPairFiles, readKeyPair, tlsOptionsOf } from './key-pair.js';

/** How long a new pair lies there at most before it is taken, ms. */
const LOOK_MS = 5_000;

/**
 * Takes a renewed certificate without a restart: connections stay, new ones get the new pair. The files are read, not
 * watched, so that it does not matter how they are replaced: in place, by a rename, or behind a link.
 */
@Injectable()
export class CertificateRenewal implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Tls');
  private seen: string | undefined;
  private isUnreadable = false;
  private timer: Timer | undefined;

  constructor(
    private readonly settings: HttpSettings,
    private readonly clock: Clock,
    private readonly host: HttpAdapterHost,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.settings.tlsFiles) return;
    await this.look();
    this.timer = repeat(
      this.clock,
      () => LOOK_MS,
      () => this.look(),
    );
  }

  onApplicationShutdown(): void {
    this.timer?.cancel();
  }

  /** Takes what is in the files now, if it is new and can be used; says so in the log, never throws. */
  async look(): Promise<void> {
    const server: unknown = this.host.httpAdapter.getHttpServer();
    const { tlsFiles } = this.settings;
    const pair = tlsFiles && (await this.read(tlsFiles));
    if (!pair || !(server instanceof TlsServer)) return;
    const fingerprint = fingerprintOf(pair);
    if (fingerprint === this.seen) return;
    const isFirst = this.seen === undefined;
    this.seen = fingerprint;
    const fault = faultOf(pair);
    // It may be half of a replacement: the other half comes with one of the next looks.
    if (fault !== undefined) {
      this.logger.warn(`a new certificate cannot be used, the old one stays: ${fault}`);
      return;
    }
    server.setSecureContext(tlsOptionsOf(pair));
    if (!isFirst) this.logger.log(`a new certificate is in use; it ends ${new X509Certificate(pair.cert).validTo}`);
  }

  /** Undefined when there is nothing to read; said once. */
  private async read(files: KeyPairFiles): Promise<KeyPair | undefined> {
    try {
      const pair = await readKeyPair(files);
      this.isUnreadable = false;
      return pair;
    } catch (error) {
      const what = error instanceof Error ? error.message : 'unknown';
      if (!this.isUnreadable) this.logger.warn(`the certificate cannot be read, the old one stays: ${what}`);
      this.isUnreadable = true;
      return undefined;
    }
  }
}
