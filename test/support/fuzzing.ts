import type { FuzzFrame } from './fuzzer.js';
import { type HttpResponse, RawSocket } from './raw-socket.js';

/** Answers of probes without the answer of the frame before them: then it was ignored. */
const MOST_PROBES = 10_000;
const STRANGERS_AT_ONCE = 25;

/** One address, few nodes, and faster than anybody may be; presence would add frames that answer nothing. */
export const FUZZED_SETTINGS = {
  HANDSHAKES_PER_SECOND: '0',
  CONNECTIONS_PER_ADDRESS: '0',
  CONNECTIONS_PER_NODE: '0',
  AUTH_FAILURES_PER_SECOND: '0',
  RATE_PER_SECOND: '0',
  INBOX_MAX_MESSAGES: '1000000',
  PRESENCE: 'none',
};
/** The nodes that have to be known, and the limits of a server with these settings. */
export const FUZZED_NODES = ['sink-1', 'sink-2', 'sink-3'];
export const FUZZED_LIMITS = { maxDepth: 32, maxKeys: 64, maxPageRows: 1_000 };
export const FUZZED_FRAME_BYTES = 64 * 1024;

/** One connection that sends frame after frame and knows what each led to. */
export class FuzzLane {
  private socket: RawSocket | undefined;
  private probes = 0;

  constructor(
    private readonly port: number,
    private readonly authorization: string,
  ) {}

  /** What the frame led to; rejects when it led to anything else than it has to. */
  async send(frame: FuzzFrame, name: string): Promise<string> {
    const socket = (this.socket ??= await this.open());
    await socket.write(frame.wire);
    if (typeof frame.outcome === 'object') return this.closed(socket, frame.outcome.closes, name);
    const wanted = frame.outcome === 'answer' ? 1 : 0;
    const answers = await this.answers(socket, wanted, name);
    if (answers.length !== wanted) throw new Error(`${name}\n${wanted} wanted: ${JSON.stringify(answers)}`);
    const [answer] = answers;
    return answer ? String(answer['code'] ?? answer['status'] ?? answer['type']) : 'silence';
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private async closed(socket: RawSocket, wanted: number, name: string): Promise<string> {
    const { code } = await socket.closed();
    if (code !== wanted) throw new Error(`${name}\nclosed with ${code}, not ${wanted}`);
    this.close();
    return `closed ${code}`;
  }

  private async open(): Promise<RawSocket> {
    const { authorization } = this;
    const { socket, response } = await RawSocket.upgrade(this.port, '/connect', { authorization });
    if (response.status !== 101) throw new Error(`upgrade refused: ${response.status}`);
    const hello = await socket.nextJson();
    if (hello['type'] !== -110) throw new Error(`not hello: ${JSON.stringify(hello)}`);
    return socket;
  }

  /** What comes before the answer of a probe. A commit or a read may take longer: then more probes are sent. */
  private async answers(socket: RawSocket, wanted: number, name: string): Promise<Array<Record<string, unknown>>> {
    const found: Array<Record<string, unknown>> = [];
    for (let tries = 0; tries < MOST_PROBES; tries += 1) {
      const probe = `probe-${(this.probes += 1)}`;
      await socket.json({ type: -120, id: probe });
      const next = (): Promise<Record<string, unknown>> =>
        socket.nextJson().catch((error: unknown) => {
          throw new Error(`${name}\n${String(error)}`);
        });
      for (let frame = await next(); frame['id'] !== probe; frame = await next()) found.push(frame);
      if (found.length >= wanted) return found;
    }
    return found;
  }
}

/** Calls `each` with every number below `count`, so many at a time. */
export async function inTurns(
  count: number,
  width: number,
  each: (index: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: width }, async (_none, lane) => {
    while (next < count) {
      const index = next;
      next += 1;
      await each(index, lane);
    }
  });
  await Promise.all(lanes);
}

/**
 * Writes what strangers say, each on a socket of its own, and waits until every one of these has ended. How often which
 * status was answered (0: closed without a word); rejects when an answer is not well-formed.
 */
export async function strangersCall(
  port: number,
  count: number,
  bytesAt: (index: number) => Buffer,
): Promise<Map<number, number>> {
  const tally = new Map<number, number>();
  for (let first = 0; first < count; first += STRANGERS_AT_ONCE) {
    const together = Math.min(STRANGERS_AT_ONCE, count - first);
    const sockets = await Promise.all(Array.from({ length: together }, () => RawSocket.open(port)));
    await Promise.all(sockets.map((socket, at) => socket.write(bytesAt(first + at))));
    // A whole call of somebody else: by then the server has read what the strangers wrote.
    const alive = await fetch(`http://127.0.0.1:${port}/livez`);
    if (!alive.ok) throw new Error(`/livez answered ${alive.status}`);
    for (const [at, socket] of sockets.entries()) {
      const status = await endOf(socket, `stranger ${first + at}`);
      tally.set(status, (tally.get(status) ?? 0) + 1);
    }
  }
  return tally;
}

async function endOf(socket: RawSocket, name: string): Promise<number> {
  socket.socket.end();
  const response = await finalResponse(socket);
  if (response && !isWellFormed(response)) throw new Error(`${name}: ${response.status} ${response.body}`);
  await socket.ended();
  socket.destroy();
  return response?.status ?? 0;
}

/** `undefined`: the connection ended without one. */
async function finalResponse(socket: RawSocket): Promise<HttpResponse | undefined> {
  const response = await socket.response().catch(() => undefined);
  return response?.status === 100 ? finalResponse(socket) : response;
}

function isWellFormed({ status, headers, body }: HttpResponse): boolean {
  const isExpected = status === 101 || (status >= 200 && status < 500) || status === 503;
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return isExpected;
  // Without a length, which HTTP/1.0 is not given, the end of the connection ends the body: it was not read.
  if (!headers.has('content-length')) return isExpected;
  const problem = JSON.parse(body) as Record<string, unknown>;
  const isNamed = typeof problem['code'] === 'string' && typeof problem['request_id'] === 'string';
  return isExpected && isNamed && problem['status'] === status;
}
