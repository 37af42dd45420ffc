import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock } from '../../common/clock.js';
import { KeyPairRenewal } from '../../common/key-pair-renewal.js';
import { HttpSettings } from './http.settings.js';

/** Takes a renewed certificate for the public listener without a restart. */
@Injectable()
export class CertificateRenewal implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly renewal: KeyPairRenewal | undefined;

  constructor({ tlsFiles }: HttpSettings, clock: Clock, host: HttpAdapterHost) {
    const server = (): unknown => host.httpAdapter.getHttpServer();
    this.renewal = tlsFiles && new KeyPairRenewal('the public listener', tlsFiles, server, clock);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.renewal?.begin();
  }

  onApplicationShutdown(): void {
    this.renewal?.end();
  }

  /** Takes what is in the files now. */
  async look(): Promise<void> {
    await this.renewal?.look();
  }
}
