import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Where the certificate chain and its private key are. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Both as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export async function readKeyPair({ certFile, keyFile }: KeyPairFiles): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { cert, key };
}

/** What a listener is told of its pair, and of what it may not fall back to. */
export function tlsOptionsOf({ cert, key }: KeyPair): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2' };
}

/** Why a listener could not use it; undefined when it can. */
export function faultOf(pair: KeyPair): string | undefined {
  try {
    // A context alone takes empty texts, as files are for a moment that are written anew.
    const belong = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
    createSecureContext(tlsOptionsOf(pair));
    return belong ? undefined : 'the certificate was made for another key';
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

/** Tells two pairs apart without keeping a key. */
export function fingerprintOf({ cert, key }: KeyPair): string {
  return createHash('sha256')
    .update(JSON.stringify([cert, key]))
    .digest('base64');
}
