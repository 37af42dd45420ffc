import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../../common/lifecycle.js';
import { type Identity, ValidationKeys } from '../../modules/auth/index.js';
import { ServerNode } from '../../modules/nodes/index.js';
import { Refusal } from '../../protocol/index.js';
import { PublicAddress } from './http.settings.js';
import type { PreConnection, PreConnectionRequest } from './pre-connections.schema.js';

/** Where a caller opens its websocket, and the key for it. */
@Injectable()
export class PreConnections {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly serverNode: ServerNode,
    private readonly validationKeys: ValidationKeys,
    private readonly address: PublicAddress,
  ) {}

  async open(caller: Identity, { need_80_port: needsPort80 = false }: PreConnectionRequest): Promise<PreConnection> {
    if (this.lifecycle.phase !== 'ready') throw new Refusal('no_server_node');
    const { host, port, tls, proxyHost } = this.address;
    const { id } = this.serverNode;
    const { validationKey, expiresInSeconds } = await this.validationKeys.issue(caller, id);
    return {
      url: `${this.socketBase(needsPort80)}/connect?validation_key=${validationKey}`,
      validation_key: validationKey,
      expires_in: expiresInSeconds,
      server: { node_id: id, host, port, ...(proxyHost !== undefined && { proxy_host: proxyHost }), tls },
    };
  }

  private socketBase(needsPort80: boolean): string {
    const { baseUrl, proxyHost, tls } = this.address;
    if (needsPort80 && proxyHost !== undefined) return `${tls ? 'wss' : 'ws'}://${bracketed(proxyHost)}`;
    return baseUrl.replace(/^http/, 'ws');
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
