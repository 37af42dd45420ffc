import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Settings, VariableName } from './settings.js';

/** A rule about several variables; it is judged when none of them has a fault of its own. */
export interface Rule {
  readonly blames: VariableName;
  readonly involves: readonly VariableName[];
  readonly holds: (settings: Settings) => boolean;
  readonly wanted: string;
}

/** The names of those variables whose value is a number. */
type NumberName = { [Name in VariableName]: Settings[Name] extends number ? Name : never }[VariableName];

const asMongoIsSet = 'as MONGODB_URI is set: server nodes on one database share their secrets';

function atMost(smaller: NumberName, bigger: NumberName): Rule {
  return {
    blames: smaller,
    involves: [bigger],
    holds: (settings) => settings[smaller] <= settings[bigger],
    wanted: `at most ${bigger}`,
  };
}

/** Zero switches the bigger one off, and then bounds nothing. */
function atMostUnlessOff(smaller: NumberName, bigger: NumberName): Rule {
  const rule = atMost(smaller, bigger);
  return { ...rule, holds: (settings) => settings[bigger] === 0 || rule.holds(settings) };
}

function onlyWithMongo(rule: Rule): Rule {
  return { ...rule, holds: (settings) => settings.MONGODB_URI === undefined || rule.holds(settings) };
}

function below(smaller: NumberName, bigger: NumberName): Rule {
  return {
    blames: smaller,
    involves: [bigger],
    holds: (settings) => settings[smaller] < settings[bigger],
    wanted: `less than ${bigger}`,
  };
}

function together(blames: VariableName, other: VariableName): Rule {
  return {
    blames,
    involves: [other],
    holds: (settings) => settings[other] === undefined || settings[blames] !== undefined,
    wanted: `a path, as ${other} is set: TLS needs both`,
  };
}

const secretRules: readonly Rule[] = [
  {
    blames: 'AUTH_SECRET',
    involves: ['MONGODB_URI', 'AUTH_PUBLIC_KEY', 'AUTH_JWKS_URI', 'AUTH_KEYS_FILE'],
    holds: (settings) => settings.MONGODB_URI === undefined || hasAuthKey(settings),
    wanted: `this, AUTH_PUBLIC_KEY, AUTH_JWKS_URI or AUTH_KEYS_FILE, ${asMongoIsSet}`,
  },
  {
    blames: 'LINK_SECRET',
    involves: ['MONGODB_URI'],
    holds: (settings) => settings.MONGODB_URI === undefined || settings.LINK_SECRET !== undefined,
    wanted: `at least 32 bytes, ${asMongoIsSet}`,
  },
];

/** With several server nodes on this host, one value cannot be that of each of them. */
function unsetWithSeveral(blames: VariableName, isFree: (settings: Settings) => boolean): Rule {
  return {
    blames,
    involves: ['NODES'],
    holds: (settings) => settings.NODES === 1 || settings[blames] === undefined || isFree(settings),
    wanted: 'nothing, as NODES is above 1: each server node needs one of its own; start them one by one',
  };
}

const never = (): boolean => false;

const severalRules: readonly Rule[] = [
  unsetWithSeveral('PUBLIC_URL', never),
  unsetWithSeveral('PROXY_80_PORT', never),
  unsetWithSeveral('INTERNAL_ADDRESS', never),
  unsetWithSeveral('METRICS_ADDRESS', ({ METRICS_ADDRESS = '' }) => METRICS_ADDRESS.endsWith(':0')),
  {
    blames: 'NODES',
    involves: ['PORT'],
    holds: ({ NODES, PORT }) => PORT === 0 || PORT + NODES - 1 <= 65_535,
    wanted: 'no more than there are ports from PORT on',
  },
];

export const rules: readonly Rule[] = [
  ...secretRules,
  ...severalRules,
  together('TLS_CERT_FILE', 'TLS_KEY_FILE'),
  together('TLS_KEY_FILE', 'TLS_CERT_FILE'),
  atMost('MAX_FRAME_BYTES', 'INBOUND_BYTES'),
  atMost('MAX_FRAME_BYTES', 'WINDOW_BYTES'),
  atMost('MAX_FRAME_BYTES', 'REST_MESSAGES_BODY_BYTES'),
  atMost('MAX_FRAME_BYTES', 'PAGE_SOCKET_BYTES'),
  atMost('MAX_FRAME_BYTES', 'PAGE_REST_BYTES'),
  below('OUTBOUND_PAUSE_BYTES', 'OUTBOUND_CLOSE_BYTES'),
  atMost('PAGE_MESSAGES', 'PAGE_MAX_MESSAGES'),
  atMost('HANDSHAKE_RETRY_MIN_MS', 'HANDSHAKE_RETRY_MAX_MS'),
  below('DRAIN_SPREAD_MS', 'DRAIN_TOTAL_MS'),
  below('POLL_JITTER_MS', 'POLL_INTERVAL_MS'),
  onlyWithMongo(atMost('MONGODB_WTIMEOUT_MS', 'MONGODB_TIMEOUT_MS')),
  onlyWithMongo(atMost('MONGODB_TIMEOUT_MS', 'STORE_DEADLINE_MS')),
  atMostUnlessOff('HEAP_NO_SOCKETS_PERCENT', 'HEAP_RETRY_LATER_PERCENT'),
  below('LINK_PING_INTERVAL_MS', 'LINK_DEAD_MS'),
  atMost('LINK_RECONNECT_MIN_MS', 'LINK_RECONNECT_MAX_MS'),
  below('SERVER_NODE_HEARTBEAT_MS', 'SERVER_NODE_STALE_MS'),
];

export function hasAuthKey(settings: Settings): boolean {
  const { AUTH_SECRET, AUTH_PUBLIC_KEY, AUTH_JWKS_URI, AUTH_KEYS_FILE } = settings;
  return [AUTH_SECRET, AUTH_PUBLIC_KEY, AUTH_JWKS_URI, AUTH_KEYS_FILE].some((key) => key !== undefined);
}

/** True when the certificate was made for the key; false also when either cannot be read. */
export function belongTogether(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

const KEY_ALGORITHMS = ['HS256', 'RS256', 'ES256', 'EdDSA'];

/** A JWK Set whose keys can be told apart and are each pinned to one algorithm. */
export function isKeySet(json: string): boolean {
  const keys = keysOf(json);
  const ids = new Set(keys?.map((key) => key['kid']));
  return keys !== undefined && keys.length > 0 && ids.size === keys.length && keys.every(isPinned);
}

function isPinned(key: Record<string, unknown>): boolean {
  return typeof key['kid'] === 'string' && KEY_ALGORITHMS.includes(String(key['alg']));
}

function keysOf(json: string): Record<string, unknown>[] | undefined {
  try {
    const { keys } = JSON.parse(json) as { keys?: unknown };
    return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null) ? keys : undefined;
  } catch {
    return undefined;
  }
}
