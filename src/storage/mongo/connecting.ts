import type { Connection, ConnectOptions } from 'mongoose';
import { redact } from '../../common/logging.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import type { MongoSettings } from './settings.js';

const DEFAULT_DATABASE = 'allspark';
/** A database in the path of the connection string. */
const NAMES_DATABASE = /^mongodb(\+srv)?:\/\/[^/?]+\/[^?]/;

/** Between two looks at each server when nothing goes wrong; what goes wrong with a socket is seen at once. */
const HEARTBEAT_MS = 2_000;
const LEAST_POOL_WAIT_MS = 1_000;
const MOST_CONNECTIONS = 50;

/**
 * What makes an answer of MongoDB durable and a wait for one short. Given as options they beat whatever the connection
 * string says. The driver knows no time limit for a whole call: the limits of its steps add up to about `timeoutMs`
 * until a command is sent, and the store stops waiting then in any case.
 */
export function connectOptions(settings: MongoSettings): ConnectOptions {
  const { uri, timeoutMs, wtimeoutMs, serverSelectionMs } = settings;
  return {
    ...(!NAMES_DATABASE.test(uri) && { dbName: DEFAULT_DATABASE }),
    w: 'majority',
    journal: true,
    wtimeoutMS: wtimeoutMs,
    readConcernLevel: 'majority',
    readPreference: 'primary',
    // An append that is sent twice by the driver would meet itself.
    retryWrites: false,
    serverSelectionTimeoutMS: serverSelectionMs,
    connectTimeoutMS: serverSelectionMs,
    waitQueueTimeoutMS: Math.max(LEAST_POOL_WAIT_MS, timeoutMs - serverSelectionMs),
    socketTimeoutMS: timeoutMs,
    heartbeatFrequencyMS: HEARTBEAT_MS,
    maxPoolSize: MOST_CONNECTIONS,
    appName: 'allspark',
    bufferCommands: false,
    autoIndex: false,
    autoCreate: false,
  };
}

/** Opens the connection, or says within a bounded time where nobody answered and what was heard instead. */
export async function connect(connection: Connection, settings: MongoSettings): Promise<void> {
  const { clock, uri, serverSelectionMs, timeoutMs } = settings;
  const opening = connection.openUri(uri, connectOptions(settings));
  const late = clock.pause(serverSelectionMs + timeoutMs).then(() => {
    throw new Error('no answer');
  });
  late.catch(() => undefined);
  try {
    await Promise.race([opening, late]);
  } catch (error) {
    opening.catch(() => undefined);
    await connection.destroy(true).catch(() => undefined);
    const heard = redact((error as Error).message);
    throw new StoreUnavailable(
      `MongoDB was not reached at ${placesIn(uri)}: ${heard}. Is it running, and is MONGODB_URI right?`,
      { cause: error },
    );
  }
}

/** Hosts of a connection string, without the user and the password. */
function placesIn(uri: string): string {
  const authority = /^mongodb(?:\+srv)?:\/\/([^/?]*)/.exec(uri)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1);
}
