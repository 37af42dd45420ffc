import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { ResolvedSettings } from '../config/load-config.js';
import type { Identity } from '../modules/auth/index.js';
import { EXIT } from './exit-codes.js';
import { CliFault, usage } from './fault.js';
import { keySigner, roleOf, verifyingSecret } from './keys.js';
import { note } from './output.js';
import { requireSettings, wordsUpTo } from './settings.js';

const SECOND_MS = 1_000;

export interface MakeOptions {
  readonly client?: string;
  readonly role?: string;
  readonly ttl: number;
  readonly json?: boolean;
}

export interface VerifyOptions {
  readonly json?: boolean;
}

/** Prints a new auth key, and nothing else on standard output, so that it fits into $(…). */
export async function makeToken(options: MakeOptions, args: readonly string[]): Promise<number> {
  const { flags, words } = wordsUpTo(1, args);
  const [sub] = words;
  if (sub === undefined) throw usage('for which node? Write: allspark token make NODE');
  const { settings } = requireSettings(flags);
  const ttlSeconds = lifetimeOf(options, settings);
  const { client: clientId, role: named } = options;
  const sign = await keySigner(settings);
  const role = await roleOf(named);
  const issuedAt = Math.floor(Date.now() / SECOND_MS);
  const key = await sign({ sub, role, ttlSeconds, issuedAt, ...(clientId !== undefined && { clientId }) });
  const facts = { key, nodeId: sub, clientId: clientId ?? null, role, expiresAt: issuedAt + ttlSeconds };
  console.log(options.json === true ? JSON.stringify(facts) : key);
  return EXIT.ok;
}

function lifetimeOf({ ttl }: MakeOptions, { AUTH_KEY_MAX_MS }: ResolvedSettings): number {
  const longest = Math.floor(AUTH_KEY_MAX_MS / SECOND_MS);
  if (ttl >= 1 && ttl <= longest) return ttl;
  throw usage(`--ttl ${ttl}: wanted 1 to ${longest} seconds, for the server takes no longer ones`);
}

/** Tells whether the server of these settings would accept the key, and if not, why. */
export async function verifyToken(options: VerifyOptions, args: readonly string[]): Promise<number> {
  const { flags, words } = wordsUpTo(1, args);
  const { settings } = requireSettings(flags);
  const key = (words[0] ?? (await fromInput())).trim();
  if (key === '') throw usage('which key? Write: allspark token verify KEY');
  const outcome = await diagnose(key, settings);
  const isGood = typeof outcome !== 'string';
  if (options.json === true)
    console.log(JSON.stringify(isGood ? { valid: true, ...outcome } : { valid: false, outcome }));
  else if (isGood) console.log(identityText(outcome, Date.now()));
  else note(`refused: ${outcome}`);
  return isGood ? EXIT.ok : EXIT.noPermission;
}

function fromInput(): Promise<string> {
  if (process.stdin.isTTY) note('paste the key, then Ctrl-D');
  return text(process.stdin);
}

async function diagnose(key: string, settings: ResolvedSettings): Promise<Identity | string> {
  const { AuthKeyVerifier, AuthSettings, AuthSetupFault, KeyRing, NothingRevoked } =
    await import('../modules/auth/index.js');
  const { SystemClock } = await import('../common/clock.js');
  const clock = new SystemClock();
  const auth = new AuthSettings({
    secret: await verifyingSecret(settings),
    publicKey: settings.AUTH_PUBLIC_KEY,
    jwksUri: settings.AUTH_JWKS_URI,
    keySet: keySetOf(settings),
    issuer: settings.AUTH_ISSUER,
    leewayMs: settings.CLOCK_LEEWAY_MS,
    maxLifetimeMs: settings.AUTH_KEY_MAX_MS,
  });
  try {
    return await new AuthKeyVerifier(KeyRing.of(auth, clock), auth, clock, new NothingRevoked()).diagnose(key);
  } catch (error) {
    if (error instanceof AuthSetupFault) throw new CliFault(EXIT.config, error.message);
    throw error;
  }
}

function keySetOf({ AUTH_KEYS_FILE }: ResolvedSettings) {
  if (AUTH_KEYS_FILE === undefined) return [];
  return (JSON.parse(readFileSync(AUTH_KEYS_FILE, 'utf8')) as { keys: [] }).keys;
}

export function identityText({ nodeId, clientId, role, expiresAt, kid }: Identity, now: number): string {
  const minutes = Math.floor((expiresAt * SECOND_MS - now) / 60_000);
  return [
    `accepted: node ${nodeId}, ${clientId === null ? 'no client' : `client ${clientId}`}, role ${role}`,
    `ends ${new Date(expiresAt * SECOND_MS).toISOString()} (in ${minutes} minutes)${kid === null ? '' : `, kid ${kid}`}`,
  ].join('\n');
}
