import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../../common/lifecycle.js';
import { Overload } from '../../common/overload.js';
import { type Identity, ValidationKeys } from '../../modules/auth/index.js';
import { ServerNodeChooser, type ServerNodeRow } from '../../modules/nodes/index.js';
import { connectUrl, Refusal } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';
import { overloaded } from './newcomer.guard.js';
import type { PreConnection, PreConnectionRequest } from './pre-connections.schema.js';

/** Where a caller opens its websocket, and the key for it. */
@Injectable()
export class PreConnections {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly overload: Overload,
    private readonly settings: HttpSettings,
    private readonly chooser: ServerNodeChooser,
    private readonly validationKeys: ValidationKeys,
  ) {}

  async open(caller: Identity, request: PreConnectionRequest): Promise<PreConnection> {
    const needsPort80 = request.need_80_port ?? false;
    const chosen = this.chooser.choose({ sessionId: request.session_id, needsPort80 });
    if (!chosen) throw this.refusal();
    const { validationKey, expiresInSeconds } = await this.validationKeys.issue(caller, chosen.serverNodeId);
    return {
      url: connectUrl(chosen, validationKey, needsPort80),
      validation_key: validationKey,
      expires_in: expiresInSeconds,
      server: serverView(chosen),
    };
  }

  private refusal(): Refusal {
    const [shortage] = this.overload.shortages;
    if (this.lifecycle.phase !== 'ready' || !shortage) return new Refusal('no_server_node');
    return overloaded(shortage, this.settings);
  }
}

function serverView({ serverNodeId, address, baseUrl, proxyHost }: ServerNodeRow): PreConnection['server'] {
  const colon = address.lastIndexOf(':');
  return {
    node_id: serverNodeId,
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    port: Number(address.slice(colon + 1)),
    ...(proxyHost !== null && { proxy_host: proxyHost }),
    tls: baseUrl.startsWith('https:'),
  };
}
