import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthKey } from '@allspark/client';
import { hasAuthKey } from '../config/cross-checks.js';
import type { ResolvedSettings } from '../config/load-config.js';
import type { AuthKeyRequest } from '../modules/auth/index.js';
import { EXIT } from './exit-codes.js';
import { CliFault, usage } from './fault.js';
import { note } from './output.js';

const SECOND_MS = 1_000;
const DEFAULT_TTL_SECONDS = 3_600;

export interface KeyOptions {
  readonly key?: string;
  readonly as?: string;
  readonly client?: string;
  readonly role?: string;
}

type Sign = (request: Omit<AuthKeyRequest, 'issuer'>) => Promise<string>;

/** Where `start` keeps the secret that it made because it was given no key. */
export const secretPath = (settings: ResolvedSettings): string => join(settings.DATA_DIR, 'auth.secret');

/** `--key`, else ALLSPARK_KEY, else a key signed here for `--as`, which is signed again before it ends. */
export async function authKeyOf(options: KeyOptions, settings: ResolvedSettings): Promise<AuthKey> {
  const given = (options.key ?? process.env['ALLSPARK_KEY'] ?? '').trim();
  if (given !== '') {
    if (options.as !== undefined) note(`--as ${options.as} is not looked at: the key says who it is for`);
    return given;
  }
  const { as: sub, client: clientId } = options;
  if (sub === undefined) {
    throw usage(
      'who is calling? Write --as NODE to sign a key here,',
      'or --key KEY (or the variable ALLSPARK_KEY) for a key that somebody else signed.',
    );
  }
  const sign = await keySigner(settings);
  const ttlSeconds = Math.min(DEFAULT_TTL_SECONDS, Math.floor(settings.AUTH_KEY_MAX_MS / SECOND_MS));
  const role = await roleOf(options.role);
  const signAgain = (): Promise<string> => sign({ sub, ttlSeconds, role, ...(clientId !== undefined && { clientId }) });
  // Words that no key can hold are told at once, and not at the first connection.
  await signAgain();
  return signAgain;
}

export async function roleOf(role: string = 'node') {
  const { isRole, ROLES } = await import('../modules/auth/index.js');
  if (isRole(role)) return role;
  throw usage(`--role ${role}: wanted one of ${ROLES.join(', ')}`);
}

/** Signs with the secret that the server of these settings verifies with. */
export async function keySigner(settings: ResolvedSettings): Promise<Sign> {
  const { signAuthKey } = await import('../modules/auth/index.js');
  const { Refusal } = await import('../protocol/index.js');
  const secret = await signingSecret(settings);
  const issuer = settings.AUTH_ISSUER;
  return async (request) => {
    try {
      return await signAuthKey({ ...request, alg: 'HS256', secret, ...(issuer !== undefined && { issuer }) });
    } catch (error) {
      if (error instanceof Refusal) throw usage(refusedWord(request, error));
      throw error;
    }
  };
}

function refusedWord({ sub, clientId }: AuthKeyRequest, { field, reason }: { field?: string; reason: string }): string {
  if (field === 'sub') return `node ${JSON.stringify(sub)}: ${reason}`;
  return field === 'client_id' ? `client ${JSON.stringify(clientId)}: ${reason}` : `${field ?? 'key'}: ${reason}`;
}

async function signingSecret(settings: ResolvedSettings): Promise<string> {
  if (settings.AUTH_SECRET !== undefined) return settings.AUTH_SECRET.reveal();
  if (hasAuthKey(settings)) {
    throw new CliFault(EXIT.config, 'a key cannot be signed here: the settings hold public keys only', [
      'Let the application that has the private key sign one, and give it as --key KEY.',
    ]);
  }
  const { loadOrMakeSecret } = await import('../modules/auth/index.js');
  return loadOrMakeSecret(secretPath(settings), note);
}

/** What the server of these settings would verify keys with. Makes no secret: nothing was signed with it yet. */
export async function verifyingSecret(settings: ResolvedSettings): Promise<string | undefined> {
  if (hasAuthKey(settings)) return settings.AUTH_SECRET?.reveal();
  if (existsSync(secretPath(settings))) return signingSecret(settings);
  throw new CliFault(EXIT.config, `there is no key to verify with: ${secretPath(settings)} is not there yet`, [
    'The first start makes it (npm start); --data-dir names another data directory.',
  ]);
}
