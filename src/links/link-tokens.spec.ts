import { describe, expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { AuthKeyVerifier, AuthSettings, KeyRing, NothingRevoked, signAuthKey } from '../modules/auth/index.js';
import { LinkTokens } from './link-tokens.js';
import { LINK_SECRET } from './testing/link-scene.js';

const FROM = { serverNodeId: '~sa', bootId: 'boot-a' };
const TO = { serverNodeId: '~sb', bootId: 'boot-b' };
const VERSIONS = { lowest: 1, highest: 1 };

function made(secret = LINK_SECRET) {
  const tokens = new LinkTokens(secret);
  const claims = tokens.claims(FROM, TO, VERSIONS);
  return { tokens, claims, token: tokens.sign(claims) };
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

  it('is good once, and no more when a later one of its run was used', () => {
    const acceptor = new LinkTokens(LINK_SECRET);
    const { tokens, claims } = made();
    const later = tokens.claims(FROM, TO, VERSIONS);
    const last = tokens.claims(FROM, { ...TO, bootId: 'another' }, VERSIONS);
    expect([acceptor.useUp(later), acceptor.useUp(later), acceptor.useUp(claims)]).toEqual([true, false, false]);
    expect([acceptor.useUp(last), acceptor.useUp(last)]).toEqual([true, false]);
  });

  it('is good whatever tokens of other runs were used', () => {
    const acceptor = new LinkTokens(LINK_SECRET);
    const { tokens, claims } = made();
    const other = tokens.claims({ ...FROM, bootId: 'boot-c' }, TO, VERSIONS);
    expect([acceptor.useUp(other), acceptor.useUp(claims)]).toEqual([true, true]);
  });

  it('without a count is never good', () => {
    const { tokens, claims } = made();
    const { count: _, ...without } = claims;
    expect(tokens.useUp(without as typeof claims)).toBe(false);
  });

  it('is no auth key, nor an auth key a link token, although the secret is the same', async () => {
    const { tokens, token } = made();
    const clock = new ManualClock();
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
    const stranger = new LinkTokens('another secret of 32 bytes, or a bit more');
    expect(tokens.isProof(stranger.proof(claims, terms), claims, terms)).toBe(false);
  });
});
