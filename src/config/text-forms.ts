import { createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export const isHost = (text: string): boolean => isIP(text) !== 0 || HOST_NAME.test(text);

/** `host:port`, an IPv6 host in brackets. */
export function parseHostPort(text: string): HostPort | undefined {
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<plain>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const host = parts?.['six'] ?? parts?.['plain'] ?? '';
  const port = Number(parts?.['port']);
  const hostIsFine = parts?.['six'] === undefined ? isHost(host) : isIP(host) === 6;
  return hostIsFine && port <= 65_535 ? { host, port } : undefined;
}

/** An http or https address without user, password, query and fragment: nothing secret can hide in it. */
export function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
}

export const isBaseUrl = (text: string): boolean => isWebAddress(text) && new URL(text).search === '';

/** Compared byte by byte with what browsers send, so only the form that browsers send is accepted. */
export const isOrigin = (text: string): boolean => isWebAddress(text) && new URL(text).origin === text;

export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export function isMongoUri(text: string): boolean {
  return /^mongodb(\+srv)?:\/\/[^\s/]+/.test(text);
}

/** A private key pasted here by mistake is refused, not quietly turned into its public half. */
export function isPublicKey(pem: string): boolean {
  if (pem.includes('PRIVATE KEY')) return false;
  try {
    return isSigningKey(createPublicKey(pem));
  } catch {
    return false;
  }
}

function isSigningKey(key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') return (details?.modulusLength ?? 0) >= 2048;
  if (key.asymmetricKeyType === 'ec') return details?.namedCurve === 'prime256v1';
  return key.asymmetricKeyType === 'ed25519';
}
