import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The few kinds of value that a certificate is written in. */
const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, time: 0x17 };
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
};
const DAY_MS = 86_400_000;

function der(tag: number, ...parts: ReadonlyArray<Buffer | string>): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(TAG.sequence, ...parts);
const explicit = (number: number, part: Buffer): Buffer => der(0xa0 + number, part);
const bits = (content: Buffer): Buffer => der(TAG.bits, '00', content);

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(TAG.time, Buffer.from(`${text}Z`));
}

function nameOf(text: string): Buffer {
  return sequence(der(TAG.set, sequence(der(TAG.oid, OID.commonName), der(TAG.utf8, Buffer.from(text)))));
}

function extensions(): Buffer {
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, '7f000001'));
  return explicit(
    3,
    sequence(
      sequence(der(TAG.oid, OID.basicConstraints), der(0x01, 'ff'), der(TAG.octets, sequence(der(0x01, 'ff')))),
      sequence(der(TAG.oid, OID.subjectAltName), der(TAG.octets, names)),
    ),
  );
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for localhost that trusts itself, made anew with each call; nothing of the machine is needed. */
export function makeCertificate(name = 'Allspark test'): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(der(TAG.oid, OID.ecdsaWithSha256));
  const now = Date.now();
  const body = sequence(
    explicit(0, der(TAG.integer, '02')),
    der(TAG.integer, '01', randomBytes(8)),
    algorithm,
    nameOf(name),
    sequence(time(now - DAY_MS), time(now + DAY_MS)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(),
  );
  const whole = sequence(body, algorithm, bits(sign('sha256', body, privateKey)));
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A folder that holds a pair as orchestrators mount it: the names are links through a link that is swapped. */
export class MountedPair {
  private version = 0;

  constructor(private readonly folder: string) {}

  get settings(): { readonly TLS_CERT_FILE: string; readonly TLS_KEY_FILE: string } {
    return { TLS_CERT_FILE: join(this.folder, 'tls.crt'), TLS_KEY_FILE: join(this.folder, 'tls.key') };
  }

  async mount(pair: Certificate): Promise<void> {
    await this.swap(pair);
    await symlink('..data/tls.crt', this.settings.TLS_CERT_FILE);
    await symlink('..data/tls.key', this.settings.TLS_KEY_FILE);
  }

  async swap({ cert, key }: Certificate): Promise<void> {
    const name = `..version-${++this.version}`;
    await mkdir(join(this.folder, name));
    await writeFile(join(this.folder, name, 'tls.crt'), cert);
    await writeFile(join(this.folder, name, 'tls.key'), key);
    await symlink(name, join(this.folder, '..fresh'));
    await rename(join(this.folder, '..fresh'), join(this.folder, '..data'));
  }
}
