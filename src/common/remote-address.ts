import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;

/** From which address a request comes, behind proxies that are trusted to say so. */
export class RemoteAddress {
  private readonly trusted = new BlockList();
  private readonly trustsAny: boolean;

  constructor(proxies: readonly string[]) {
    this.trustsAny = proxies.length > 0;
    for (const proxy of proxies) this.trust(proxy);
  }

  /** The nearest address that is no trusted proxy; what stands further away may be invented. */
  of(request: IncomingMessage): string {
    const direct = plain(request.socket.remoteAddress ?? '');
    if (!this.trustsAny) return direct;
    const chain = [request.headers['x-forwarded-for'] ?? ''].flat().join(',').split(',');
    let nearest = direct;
    while (this.isTrusted(nearest)) {
      const next = plain(chain.pop()?.trim() ?? '');
      if (isIP(next) === 0) break;
      nearest = next;
    }
    return nearest;
  }

  private isTrusted(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  private trust(proxy: string): void {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) this.trusted.addAddress(address, family);
    else this.trusted.addSubnet(address, Number(bits), family);
  }
}

function plain(address: string): string {
  return address.replace(MAPPED_IPV4, '');
}
