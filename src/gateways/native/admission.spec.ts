import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Overload, Shortage } from '../../common/overload.js';
import { RemoteAddress } from '../../common/remote-address.js';
import {
  type AuthenticatedUpgrade,
  AuthSettings,
  FailedAuthentications,
  type UpgradeAuthenticator,
} from '../../modules/auth/index.js';
import { ConnectionHooks } from '../../modules/connections/index.js';
import { type StoreHealth, StoreUnavailable } from '../../modules/inbox/index.js';
import type { ServerNode } from '../../modules/nodes/index.js';
import { serverNodeRow } from '../../modules/nodes/testing/index.js';
import { Refusal } from '../../protocol/index.js';
import { Admission } from './admission.js';
import { NATIVE_SETTINGS } from '../../../test/support/native-app.js';
import { Scene } from '../../../test/support/native-scene.js';

const IDENTITY = { nodeId: 'a', clientId: null, role: 'node', issuedAt: 0, expiresAt: 1, kid: null } as const;

const DIRECTLY = new RemoteAddress([]);
const IDLE = { shortages: [] as readonly Shortage[] } as Overload;
const ANSWERING = { silentMs: () => 0 } as StoreHealth;

class FakeSocket extends EventEmitter {
  destroyed = false;
}

function requestFrom(remoteAddress: string): IncomingMessage {
  return {
    url: '/connect',
    headers: { authorization: 'Bearer key' },
    socket: { remoteAddress },
  } as unknown as IncomingMessage;
}

const SERVER_NODE = { id: '~s', row: serverNodeRow({ serverNodeId: '~s' }) } as ServerNode;

function gate(authenticate: () => Promise<AuthenticatedUpgrade>, overload = IDLE, store = ANSWERING) {
  const clock = new ManualClock();
  const hooks = new ConnectionHooks(clock);
  const lifecycle = new Lifecycle();
  lifecycle.becomeReady();
  const authenticator = { authenticate } as unknown as UpgradeAuthenticator;
  const failures = new FailedAuthentications(clock, new AuthSettings({}), DIRECTLY);
  const parts = [authenticator, failures, DIRECTLY, SERVER_NODE, lifecycle, overload, store] as const;
  const admission = new Admission(...parts, NATIVE_SETTINGS, clock, hooks);
  const socket = new FakeSocket();
  return {
    clock,
    hooks,
    lifecycle,
    admission,
    socket,
    request: requestFrom('192.0.2.1'),
    peer: socket as unknown as Duplex,
  };
}

describe('an admission', () => {
  it('is given up after its time, and its timer and place go', async () => {
    const { admission, clock, request, peer, socket } = gate(() => new Promise(() => {}));
    admission.takePlace(request, peer, true);
    const admitted = admission.admit(request, peer);
    expect(admission.held).toEqual({ sockets: 1, addresses: 1, pending: 1 });
    clock.advance(5_000);
    await expect(admitted).rejects.toMatchObject({ code: 'retry_later', status: 503 });
    socket.emit('close');
    expect(admission.held).toEqual({ sockets: 0, addresses: 0, pending: 0 });
    expect(clock.waiting).toBe(0);
  });

  it('uses no key up for a peer that went, or while the server node goes away', async () => {
    let commits = 0;
    const commit = async (): Promise<boolean> => (commits += 1) > 0;
    for (const spoil of ['socket', 'lifecycle'] as const) {
      const answers: Array<(upgrade: AuthenticatedUpgrade) => void> = [];
      const found = new Promise<AuthenticatedUpgrade>((resolve) => answers.push(resolve));
      const { admission, lifecycle, request, peer, socket } = gate(() => found);
      const admitted = admission.admit(request, peer);
      if (spoil === 'socket') socket.destroyed = true;
      else lifecycle.beginDrain();
      answers[0]?.({ identity: IDENTITY, commit });
      await expect(admitted).rejects.toMatchObject({ code: 'retry_later' });
    }
    expect(commits).toBe(0);
  });

  it('asks hooks before a key is used up, and a refusal of theirs is the answer', async () => {
    const asked: unknown[] = [];
    let commits = 0;
    const commit = async (): Promise<boolean> => (commits += 1) > 0;
    const { admission, hooks, request, peer } = gate(async () => ({ identity: IDENTITY, commit }));
    const undo = hooks.beforeAccept(async (newcomer) => {
      asked.push([newcomer, commits]);
      return new Refusal('forbidden', { reason: 'not today' });
    });
    await expect(admission.admit(request, peer)).rejects.toMatchObject({ code: 'forbidden', reason: 'not today' });
    undo();
    await admission.admit(request, peer);
    expect(asked).toEqual([[{ nodeId: 'a', clientId: null, role: 'node', address: '192.0.2.1' }, 0]]);
    expect(commits).toBe(1);
  });

  it('lets nobody in past a hook that fails, changes what it is given, or takes too long', async () => {
    for (const fault of ['throws', 'changes', 'is slow']) {
      const { admission, hooks, clock, request, peer } = gate(async () => ({ identity: IDENTITY, commit: never }));
      hooks.beforeAccept((newcomer) => {
        if (fault === 'throws') throw new Error('broken');
        if (fault === 'changes') Object.assign(newcomer, { role: 'admin' });
        return never();
      });
      const admitted = admission.admit(request, peer);
      const refused = expect(admitted, fault).rejects.toMatchObject({ code: 'retry_later' });
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
      clock.advance(1_000);
      await refused;
    }
  });

  it('that somebody else was faster for looks like any other failure', async () => {
    const { admission, request, peer } = gate(async () => ({ identity: IDENTITY, commit: async () => false }));
    await expect(admission.admit(request, peer)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is asked for again when the store does not answer', async () => {
    const { admission, request, peer } = gate(() => Promise.reject(new StoreUnavailable('away')));
    await expect(admission.admit(request, peer)).rejects.toMatchObject({ code: 'retry_later' });
  });
});

describe('a newcomer', () => {
  it.each(['loop_lag', 'heap_sockets'] as const)(
    'is sent away for 1 to 30 s while there is a shortage: %s',
    (limit) => {
      const shortages: Shortage[] = [];
      const { admission, request, peer } = gate(never, { shortages: shortages as readonly Shortage[] } as Overload);
      admission.takePlace(request, peer, true);
      shortages.push({ limit, reason: 'too much' });
      const refusal = refusalOf(() => admission.takePlace(request, peer, true));
      expect(refusal).toMatchObject({ code: 'retry_later', status: 503, limit });
      expect(refusal?.retryAfterMs).toBeGreaterThanOrEqual(1_000);
      expect(refusal?.retryAfterMs).toBeLessThanOrEqual(30_000);
      shortages.pop();
      admission.takePlace(request, peer, true);
    },
  );

  it('is sent away from when the store has been silent for 30 s until it answers', () => {
    let silentMs = 29_999;
    const { admission, request, peer } = gate(never, IDLE, { silentMs: () => silentMs } as StoreHealth);
    admission.takePlace(request, peer, true);
    silentMs = 30_000;
    const refusal = refusalOf(() => admission.takePlace(request, peer, true));
    expect(refusal).toMatchObject({ code: 'retry_later', status: 503, limit: 'store_lost' });
    silentMs = 0;
    admission.takePlace(request, peer, true);
    expect(admission.held.sockets).toBe(2);
  });
});

const never = (): Promise<never> => new Promise(() => {});

function refusalOf(work: () => void): Refusal | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as Refusal;
  }
}

it('before the server node is ready peers are told to come back in a moment, not in half a minute', () => {
  const settings = { ...NATIVE_SETTINGS, handshakeRetryMinMs: 1_000, handshakeRetryMaxMs: 30_000 };
  const nobody = [{} as UpgradeAuthenticator, {} as FailedAuthentications, DIRECTLY] as const;
  const parts = [...nobody, { id: '~s' } as ServerNode, new Lifecycle(), IDLE, ANSWERING] as const;
  const admission = new Admission(...parts, settings, new ManualClock(), new ConnectionHooks(new ManualClock()));
  const waits = Array.from({ length: 50 }, () => {
    try {
      return admission.takePlace(requestFrom('192.0.2.1'), new FakeSocket() as unknown as Duplex, true);
    } catch (error) {
      return (error as Refusal).retryAfterMs;
    }
  });
  expect(Math.min(...waits.map(Number))).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...waits.map(Number))).toBeLessThanOrEqual(2_000);
});

async function knock(admission: Admission, request: IncomingMessage): Promise<unknown> {
  const peer = new FakeSocket() as unknown as Duplex;
  admission.takePlace(request, peer, true);
  return admission.admit(request, peer).finally(() => peer.emit('close'));
}

function from(host: number): Readonly<Record<string, string>> {
  return { 'x-forwarded-for': `198.51.100.${host}` };
}

describe('an address that comes with bad keys', () => {
  it('is not listened to for a while when there were too many, others are', async () => {
    const { admission, clock, request } = gate(() => Promise.reject(new Refusal('unauthorized')));
    for (let count = 0; count < 200; count += 1) {
      await expect(knock(admission, request)).rejects.toMatchObject({ code: 'unauthorized' });
    }
    await expect(knock(admission, request)).rejects.toMatchObject({ code: 'rate_limited', status: 429 });
    await expect(knock(admission, requestFrom('192.0.2.2'))).rejects.toMatchObject({ code: 'unauthorized' });
    clock.advance(1_000);
    await expect(knock(admission, request)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('may still come to a gateway that asks for no key', async () => {
    const { admission, request, peer } = gate(() => Promise.reject(new Refusal('unauthorized')));
    for (let count = 0; count < 200; count += 1) await knock(admission, request).catch(() => {});
    expect(() => admission.takePlace(request, peer, true)).toThrow(Refusal);
    admission.takePlace(request, peer, false);
    expect(admission.held.sockets).toBe(1);
  });
});

describe('the handshakes of a second', () => {
  const auth = { trustedProxies: ['127.0.0.1'], failuresBurst: 10, failuresPerSecond: 1 };
  const native = { handshakesPerSecond: 5 };
  let scene: Scene;

  afterEach(() => scene.end());

  it('are not used up by those who are refused, whatever for', async () => {
    scene = await Scene.start({ clock: new ManualClock(Date.now()), auth, native });
    const spoiled: Array<[Readonly<Record<string, string>>, number]> = [
      [{ authorization: 'Bearer nonsense' }, 401],
      [{ authorization: 'Bearer nonsense' }, 429],
      [{ origin: 'https://evil.example.com' }, 403],
      [{ upgrade: 'h2c' }, 400],
    ];
    for (const [headers, status] of spoiled) {
      for (let count = 0; count < 10; count += 1) {
        const { response } = await scene.ask({ sub: 'eve' }, '', { ...headers, ...from(1) });
        expect(response.status).toBe(status);
      }
    }
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      statuses.push((await scene.ask({ sub: 'bob' }, '', from(2))).response.status);
    }
    expect(statuses).toEqual([101, 101, 101, 101, 101, 503]);
  });
});
