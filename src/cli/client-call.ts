import { AllsparkError, type AuthKey } from '@allspark/client';
import type { ResolvedSettings } from '../config/load-config.js';
import { listenSlice, ownBaseUrl } from '../config/slices.js';
import { EXIT } from './exit-codes.js';
import { codeOf } from './failure.js';
import { CliFault, usage } from './fault.js';
import { authKeyOf, secretPath, type KeyOptions } from './keys.js';
import { requireSettings, wordsUpTo } from './settings.js';

export interface CallOptions extends KeyOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** Which server, and who is calling. */
export interface ClientCall {
  readonly url: string;
  readonly authKey: AuthKey;
  readonly words: readonly string[];
  /** Where the secret lies that the key was signed with; undefined for a key that was given. */
  readonly signedWith: string | undefined;
}

export async function clientCall(options: CallOptions, args: readonly string[], maxWords: number): Promise<ClientCall> {
  const { flags, words } = wordsUpTo(maxWords, args);
  const { settings } = requireSettings(flags);
  const url = serverUrl(options.url, settings);
  const authKey = await authKeyOf(options, settings);
  const secret = settings.AUTH_SECRET === undefined ? secretPath(settings) : 'AUTH_SECRET';
  return { url, authKey, words, signedWith: typeof authKey === 'string' ? undefined : secret };
}

/** `--url`, else the address that the server of these settings gives out. */
export function serverUrl(given: string | undefined, settings: ResolvedSettings): string {
  if (given !== undefined) {
    if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given.replace(/\/+$/, '');
    throw usage(`--url ${given}: wanted an http:// or https:// address`);
  }
  if (settings.PORT !== 0 || settings.PUBLIC_URL !== undefined) return ownBaseUrl(listenSlice(settings), settings.PORT);
  throw usage('PORT is 0, so the server takes a free one: write --url with the address of its ready line');
}

/** Codes that a client alone gives, when there was no answer to judge. */
const WITHOUT_ANSWER = ['closed', 'not_connected'];

export function exitCodeOf(error: AllsparkError): number {
  if (isAboutRights(error)) return EXIT.noPermission;
  if (error.retryable) return EXIT.tryLater;
  return WITHOUT_ANSWER.includes(error.code) ? EXIT.unavailable : EXIT.refused;
}

function isAboutRights({ code, status }: AllsparkError): boolean {
  return status === 401 || status === 403 || ['unauthorized', 'forbidden', 'session_denied'].includes(code);
}

/** Code, reason and field on one line. */
export function refusalText({ code, reason, field }: AllsparkError): string {
  return field === undefined ? `${code}: ${reason}` : `${code}: ${reason} (field ${field})`;
}

export function unreachable(url: string, error: unknown): CliFault {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return new CliFault(
    EXIT.unavailable,
    `no server answers at ${url} (${codeOf(cause) ?? whyNot(cause)})`,
    [
      'Start one with: npm start',
      'If it runs elsewhere, name it with --url, or with the settings it was started with.',
    ],
    { cause: error },
  );
}

function whyNot(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.name === 'AbortError' ? 'no answer in time' : cause.message;
}

/** Words for what ended a call. What is neither the server's refusal nor a broken way to it is passed on. */
export function callFault(error: unknown, call: ClientCall): unknown {
  if (error instanceof CliFault) return error;
  if (!(error instanceof AllsparkError)) return isNetworkError(error) ? unreachable(call.url, error) : error;
  return new CliFault(exitCodeOf(error), refusalText(error), adviceFor(error, call), { cause: error });
}

function isNetworkError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.message === 'fetch failed');
}

function adviceFor(error: AllsparkError, { url, signedWith }: ClientCall): readonly string[] {
  if (error.code.startsWith('http_')) return [`Is it an Allspark server that answers at ${url}?`];
  if (error.status !== 401) return [];
  return signedWith === undefined
    ? ['The server does not accept the key. Where its settings are, this tells why: allspark token verify KEY']
    : [`The key was signed with ${signedWith}: is that what the server at ${url} was started with? (--data-dir)`];
}
