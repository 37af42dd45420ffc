import { createServer } from 'node:net';
import type { ResolvedSettings } from '../../config/load-config.js';
import { listenSlice, ownBaseUrl } from '../../config/slices.js';
import { codeOf } from '../failure.js';
import { failing, fine, warning, type Finding } from './finding.js';

const ANSWER_MS = 2_000;
const CHECK = 'port';

export interface PortReport {
  readonly finding: Finding;
  /** The Date header of the server that answers there, if one does. */
  readonly serverDate: string | null;
}

/** Whether `start` could listen; if not, who is in its place. */
export async function lookAtPort(settings: ResolvedSettings): Promise<PortReport> {
  const { LISTEN_ADDRESS: host, PORT: port } = settings;
  const code = await tryListening(host, port);
  if (code === 'EADDRINUSE') return askOccupant(settings);
  return { finding: judgeListening(code, host, port), serverDate: null };
}

function judgeListening(code: string | undefined, host: string, port: number): Finding {
  const place = `${host}:${port}`;
  if (code === undefined) return fine(CHECK, port === 0 ? `PORT=0 takes a free one on ${host}` : `${place} is free`);
  if (code === 'EACCES') return failing(CHECK, `${place} is not allowed to this user`, 'take a port above 1023 (PORT)');
  if (code === 'EADDRNOTAVAIL')
    return failing(CHECK, `${host} is not an address of this machine`, 'set LISTEN_ADDRESS');
  return failing(CHECK, `${place} cannot be listened on (${code})`, 'set PORT and LISTEN_ADDRESS');
}

/** The error's code, or undefined when it went well. */
function tryListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error) ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

async function askOccupant(settings: ResolvedSettings): Promise<PortReport> {
  const url = ownBaseUrl({ ...listenSlice(settings), publicUrl: undefined }, settings.PORT);
  const answer = await readiness(url);
  if (answer === undefined || (answer.status !== 200 && answer.status !== 503)) {
    const advice = 'end that program, or set another PORT';
    return { finding: failing(CHECK, `${settings.PORT} is taken by another program`, advice), serverDate: null };
  }
  const serverDate = answer.headers.get('date');
  if (answer.status === 200) return { finding: fine(CHECK, `a server is running at ${url}, and ready`), serverDate };
  const advice = `${url}/readyz says why`;
  return { finding: warning(CHECK, `a server is running at ${url}, but not ready`, advice), serverDate };
}

/** Undefined when nothing that speaks HTTP answers in time. */
async function readiness(url: string): Promise<Response | undefined> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return answer;
  } catch {
    return undefined;
  }
}
