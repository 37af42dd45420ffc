import { resolve, sep } from 'node:path';
import type { ResolvedSettings } from '../config/load-config.js';
import { slices } from '../config/slices.js';
import { StoreUnavailable } from '../modules/inbox/index.js';
import { AddressTaken } from '../modules/nodes/index.js';
import { EXIT } from './exit-codes.js';
import { FILE_ERRORS } from './failure.js';
import { CliFault } from './fault.js';

/** What Node.js says of a failed call of the system. lmdb has numbers for codes. */
interface SystemError extends Error {
  readonly code?: string | number;
  readonly syscall?: string;
  readonly path?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
}

/** Errors of the stores that say in their own words what is wrong with it; told by name, to load nothing here. */
const STORE_ERRORS = ['NotAStore', 'StoreTooNew', 'MongoStoreTooNew'];

/** Why a server did not start, in words for who started it; undefined when it is a fault of ours. */
export function startFault(error: unknown, settings: ResolvedSettings): CliFault | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof StoreUnavailable) return new CliFault(EXIT.unavailable, error.message);
  if (error instanceof AddressTaken) {
    const advice = 'If that one is gone for good, or you want it to end: --force takes the address over from it.';
    return new CliFault(EXIT.unavailable, error.message, [advice]);
  }
  if (STORE_ERRORS.includes(error.name)) return new CliFault(EXIT.io, error.message);
  const { syscall } = error as SystemError;
  if (syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo') return listenFault(error, settings);
  return fileFault(error, settings);
}

function listenFault(error: SystemError, settings: ResolvedSettings): CliFault {
  const { listenAddress, port } = slices.listen(settings);
  const own = ownListener(error, settings);
  const place = own ? `${own.name} ${own.host}:${own.port}` : `Port ${port} of ${listenAddress}`;
  const flags = own?.flag ?? '--port, --listen-address';
  if (error.code !== 'EADDRINUSE') {
    return new CliFault(EXIT.unavailable, `${place} cannot be listened on (${error.code}). Choose another: ${flags}`);
  }
  const other = own || port >= 65_535 ? flags : `--port ${port + 1}`;
  return new CliFault(EXIT.unavailable, `${place} is in use. Stop what runs there, or choose another: ${other}`);
}

/** Which of the listeners with an address of its own it was, if any. */
function ownListener(error: SystemError, settings: ResolvedSettings) {
  const { listenAddress, metrics, internal } = slices.listen(settings);
  const host = error.address ?? error.hostname ?? listenAddress;
  const own = [
    { name: 'METRICS_ADDRESS', flag: '--metrics-address', ...metrics },
    { name: 'INTERNAL_ADDRESS', flag: '--internal-address', ...internal },
  ];
  return own.find((each) => each.port !== undefined && (error.port ?? each.port) === each.port && each.host === host);
}

function fileFault(error: SystemError, settings: ResolvedSettings): CliFault | undefined {
  const { code, path, message } = error;
  const isOfStore = typeof code === 'number';
  if (!isOfStore && !FILE_ERRORS.includes(code ?? '')) return undefined;
  if (!isOfStore && (path === undefined || !isOnTheWay(resolve(path), resolve(settings.DATA_DIR)))) {
    return new CliFault(EXIT.io, message);
  }
  return new CliFault(EXIT.io, `DATA_DIR ${settings.DATA_DIR} cannot be used: ${message}`, [
    'It must be a directory that this user may write: --data-dir names another.',
  ]);
}

/** One of them is above the other, or they are the same. */
const isOnTheWay = (path: string, folder: string): boolean =>
  folder === path || folder.startsWith(path + sep) || path.startsWith(folder + sep);
