import { describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { AuthKeyVerifier, AuthSettings, KeyRing, NothingRevoked, signAuthKey } from '../modules/auth/index.js';
import { LinkTokens } from './link-tokens.js';
import { LINK_SECRET } from './testing/link-scene.js';

const FROM = { serverNodeId: '~sa', bootId: 'boot-a' };
const TO = { serverNodeId: '~sb', bootId: 'boot-b' };
const VERSIONS = { lowest: 1, highest: 1 };

function made(secret = LINK_SECRET, clock = new ManualClock()) {
  const tokens = new LinkTokens(secret, clock, 60_000);
  const claims = tokens.claims(FROM, TO, VERSIONS);
  return { clock, tokens, claims, token: tokens.sign(claims) };
}

describe('a link token', () => {
  it('says who opens a link to whom', () => {
    const { tokens, claims, token } = made();
    expect(tokens.read(token)).toEqual(claims);
    expect(claims).toMatchObject({ from: FROM, to: TO, versions: VERSIONS });
  });

  it('of another secret, or changed in any place, is none', () => {
    const { tokens, token } = made();
    expect(tokens.read(made('another secret of 32 bytes, or a bit more').token)).toBeUndefined();
    for (let at = 0; at < token.length - 1; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(tokens.read(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
    }
    for (const broken of ['', '.', '..', '...', `${token}.`, 'x'.repeat(10_000)]) {
      expect(tokens.read(broken)).toBeUndefined();
    }
  });

  it('is good once', () => {
    const { tokens, claims } = made();
    expect([tokens.useUp(claims), tokens.useUp(claims)]).toEqual(['used', 'replayed']);
  });

  it('is good for 30 s and the leeway, both ways', () => {
    const { clock, tokens, claims } = made();
    expect(tokens.useUp({ ...claims, issuedAt: clock.now() + 60_001 })).toBe('stale');
    clock.advance(90_000);
    expect(tokens.useUp({ ...claims, nonce: 'at the end' })).toBe('used');
    clock.advance(1);
    expect(tokens.useUp(claims)).toBe('stale');
  });

  it('is forgotten when it is too old to be used again', () => {
    const { clock, tokens, claims } = made();
    tokens.useUp(claims);
    clock.advance(90_001);
    tokens.useUp(tokens.claims(FROM, TO, VERSIONS));
    expect(tokens.remembered).toBe(1);
  });

  it('is no auth key, nor an auth key a link token, although the secret is the same', async () => {
    const { clock, tokens, token } = made();
    const settings = new AuthSettings({
      secret: LINK_SECRET,
      leewayMs: 60_000,
      maxLifetimeMs: 86_400_000,
      validationKeyMs: 60_000,
    });
    const verifier = new AuthKeyVerifier(KeyRing.of(settings, clock), settings, clock, new NothingRevoked());
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'unauthorized' });
    const authKey = await signAuthKey({ sub: 'sa', role: 'admin', alg: 'HS256', secret: LINK_SECRET });
    expect(authKey.split('.')).toHaveLength(3);
    expect(tokens.read(authKey)).toBeUndefined();
  });
});

describe('the proof of an acceptor', () => {
  const terms = { version: 1, maxBytes: 1_024 };

  it('holds for one token, one run and one set of terms', () => {
    const { tokens, claims } = made();
    const proof = tokens.proof(claims, terms);
    expect(tokens.isProof(proof, claims, terms)).toBe(true);
    expect(tokens.isProof(proof, { ...claims, nonce: 'other' }, terms)).toBe(false);
    expect(tokens.isProof(proof, { ...claims, to: { ...TO, bootId: 'other' } }, terms)).toBe(false);
    expect(tokens.isProof(proof, claims, { ...terms, version: 2 })).toBe(false);
    expect(tokens.isProof(proof, claims, { ...terms, maxBytes: 9 })).toBe(false);
    expect(tokens.isProof('', claims, terms)).toBe(false);
  });

  it('is given by nobody who does not know the secret', () => {
    const { tokens, claims } = made();
    const stranger = new LinkTokens('another secret of 32 bytes, or a bit more', new ManualClock(), 0);
    expect(tokens.isProof(stranger.proof(claims, terms), claims, terms)).toBe(false);
  });
});
