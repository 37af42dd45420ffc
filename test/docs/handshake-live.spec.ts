import { afterEach, expect, it } from 'vitest';
import { Lifecycle } from '../../src/common/lifecycle.js';
import { ConnectionHooks, Refusal } from '../../src/index.js';
import { holdTime } from '../support/held-time.js';
import { RawSocket } from '../support/raw-socket.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';
import { tables } from './markdown.js';
import { markdown } from './protocol-examples.js';

type Told = readonly [status: number, code: string];

interface Knock {
  readonly target: string;
  readonly headers: Readonly<Record<string, string | null>>;
}

const FORGED = { authorization: 'Bearer forged' };
/** Wrong in every way that the request alone can be, but for the header that is too big. */
const WRONG = {
  authorization: FORGED.authorization,
  upgrade: 'h2c',
  'sec-websocket-version': '12',
  'sec-websocket-key': 'YQ==',
  origin: 'https://evil.example',
};

const servers: TestServer[] = [];
async function started(settings: Readonly<Record<string, string>>): Promise<TestServer> {
  const server = await TestServer.start(settings);
  servers.push(server);
  return server;
}

/** Takes nobody for three reasons: bad keys, one address, no room. */
async function besieged(): Promise<TestServer> {
  const ofKeys = { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '1' };
  const server = await started({ ...ofKeys, CONNECTIONS_PER_ADDRESS: '1', CAPACITY: '1', MAX_HEADER_BYTES: '1024' });
  await Talker.open(server, 'ann');
  return server;
}

/** One bad key is too many, and that passes in a second: for this server no time passes any more. */
async function flood(server: TestServer): Promise<void> {
  holdTime(server);
  await fetch(`${server.url}/v1/inbox`, { headers: FORGED });
}

async function ask({ url }: TestServer, { target, headers }: Knock): Promise<Told> {
  const { socket, response } = await RawSocket.upgrade(Number(new URL(url).port), target, headers);
  socket.destroy();
  return [response.status, (JSON.parse(response.body) as { code: string }).code];
}

/** Mends a request step by step, and notes what it is told after each. */
class Learner {
  readonly told: Told[] = [];
  private knock: Knock = { target: '/elsewhere?colour=1', headers: { ...WRONG, 'x-long': 'a'.repeat(2_000) } };

  async ask(server: TestServer): Promise<void> {
    this.told.push(await ask(server, this.knock));
  }

  mend(headers: Knock['headers'], target: string = this.knock.target): void {
    this.knock = { target, headers: { ...this.knock.headers, ...headers } };
  }
}

afterEach(async () => {
  Talker.hangUp();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

it('a handshake that is wrong in every way is told of one after the other, in the order of docs/protocol.md', async () => {
  const rows = tables(markdown).find(({ head }) => head[0] === 'status' && head[1] === 'code')!.rows;
  const [leaving, crowded] = [await besieged(), await besieged()];
  const full = await started({ CAPACITY: '0' });
  const free = await started({ CLIENT_MAX_NODES: '1' });
  leaving.running.app.get(Lifecycle, { strict: false }).beginDrain();
  const learner = new Learner();

  await learner.ask(leaving);
  learner.mend({ 'x-long': null });
  await learner.ask(leaving);
  learner.mend({}, '/connect?colour=1');
  await learner.ask(leaving);
  learner.mend({ upgrade: 'websocket' });
  await learner.ask(leaving);
  learner.mend({ 'sec-websocket-version': '13' });
  await learner.ask(leaving);
  learner.mend({ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' });
  await learner.ask(leaving);
  learner.mend({ origin: null });
  await flood(leaving);
  await learner.ask(leaving);

  await flood(crowded);
  await learner.ask(crowded);
  learner.mend({ authorization: null });
  await learner.ask(crowded);
  await learner.ask(full);

  const hooks = free.running.app.get(ConnectionHooks, { strict: false });
  const allow = hooks.beforeAccept(() => new Refusal('forbidden'));
  await learner.ask(free);
  learner.mend({}, '/connect');
  await learner.ask(free);
  await free.call('phone', '/v1/inbox', { clientId: 'family' });
  learner.mend({ authorization: `Bearer ${await free.key('tablet', { clientId: 'family' })}` });
  await learner.ask(free);
  allow();
  await learner.ask(free);

  expect(learner.told).toEqual(rows.map(([status, code]) => [Number(status), code?.replaceAll('`', '')]));
});
