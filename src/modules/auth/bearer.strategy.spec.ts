import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../protocol/index.js';
import type { AuthKeyVerifier } from './auth-key-verifier.js';
import { BearerStrategy } from './bearer.strategy.js';
import type { Identity } from './identity.js';

interface Pending {
  resolve(identity: Identity): void;
  reject(error: Error): void;
}

/** Answers when it is told to, and in the order in which it is told. */
class SlowVerifier implements Pick<AuthKeyVerifier, 'verify'> {
  readonly pending = new Map<string, Pending>();

  verify(token: string): Promise<Identity> {
    return new Promise((resolve, reject) => this.pending.set(token, { resolve, reject }));
  }
}

const carrying = (token: string): IncomingMessage =>
  ({ headers: { authorization: `Bearer ${token}` } }) as unknown as IncomingMessage;
const named = (nodeId: string): Identity => ({
  nodeId,
  clientId: null,
  role: 'node',
  issuedAt: 1,
  expiresAt: 2,
  kid: null,
});

describe('the bearer strategy', () => {
  it('keeps requests at the same time apart, in whatever order they are decided', async () => {
    const verifier = new SlowVerifier();
    const strategy = new BearerStrategy(verifier as unknown as AuthKeyVerifier);
    const [first, second, third] = ['a', 'b', 'c'].map((token) => strategy.decide(carrying(token)));
    verifier.pending.get('b')?.reject(new Refusal('unauthorized'));
    verifier.pending.get('a')?.resolve(named('first'));
    verifier.pending.get('c')?.resolve(named('third'));
    expect(await first).toEqual(named('first'));
    await expect(second).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await third).toEqual(named('third'));
  });

  it('does not pass a fault of ours off as a bad key', async () => {
    const verifier = new SlowVerifier();
    const decision = new BearerStrategy(verifier as unknown as AuthKeyVerifier).decide(carrying('a'));
    verifier.pending.get('a')?.reject(new TypeError('a bug'));
    await expect(decision).rejects.toBeInstanceOf(TypeError);
  });
});
