/** Where a server node is reached by clients. */
export interface ConnectPlace {
  /** `http(s)://…` without a slash at its end. */
  readonly baseUrl: string;
  /** A host whose port 80 (443 with TLS) leads there. */
  readonly proxyHost: string | null;
}

/** The address of a websocket, as it is opened; by the proxy for those who reach no other ports, where there is one. */
export function connectUrl(place: ConnectPlace, validationKey: string, byProxy = false): string {
  return `${socketBase(place, byProxy)}/connect?validation_key=${validationKey}`;
}

function socketBase({ baseUrl, proxyHost }: ConnectPlace, byProxy: boolean): string {
  if (!byProxy || proxyHost === null) return baseUrl.replace(/^http/, 'ws');
  return `${baseUrl.startsWith('https:') ? 'wss' : 'ws'}://${bracketed(proxyHost)}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
