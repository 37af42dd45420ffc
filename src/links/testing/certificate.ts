import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8 = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
const UTC_TIME = 0x17;
const YEAR_MS = 31_536_000_000;

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const time = (ms: number): Buffer =>
  der(UTC_TIME, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const ECDSA_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'));

function nameOf(text: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, oid('550403'), der(UTF8, Buffer.from(text)))));
}

/** Good for that IPv4 address alone, and an authority itself, so that it can be trusted as one. */
function extensionsOf(address: string): Buffer {
  const octets = Buffer.from(address.split('.').map(Number));
  const names = der(SEQUENCE, oid('551d11'), der(OCTET_STRING, der(SEQUENCE, der(0x87, octets))));
  const authority = der(SEQUENCE, der(0x01, Buffer.from([0xff])));
  const constraints = der(SEQUENCE, oid('551d13'), der(0x01, Buffer.from([0xff])), der(OCTET_STRING, authority));
  return der(0xa3, der(SEQUENCE, names, constraints));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** A self-signed certificate for an IPv4 address, as PEM, with its key. */
export function selfSigned(address: string): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    nameOf('test'),
    der(SEQUENCE, time(now - YEAR_MS), time(now + YEAR_MS)),
    nameOf('test'),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensionsOf(address),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]);
  const cert = der(SEQUENCE, body, ECDSA_SHA256, der(BIT_STRING, signature));
  return { cert: pem('CERTIFICATE', cert), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}
