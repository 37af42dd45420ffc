import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { AuthSettings } from './auth.settings.js';
import { CallerSeen } from './caller-seen.js';
import type { Identity } from './identity.js';
import { KeyRing } from './key-ring.js';
import { NothingRevoked } from './revoked-keys.js';
import { signAuthKey } from './make-key.js';
import { UpgradeAuthenticator, type UpgradeCredentials } from './upgrade-authenticator.js';
import { ValidationKeyStore, type ValidationGrant } from './validation-key-store.js';
import { ValidationKeys } from './validation-keys.js';

class OneGrantStore extends ValidationKeyStore {
  private kept?: { digest: string; grant: ValidationGrant };

  async put(digest: string, grant: ValidationGrant): Promise<void> {
    this.kept = { digest, grant };
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    return this.kept?.digest === digest ? this.kept.grant : undefined;
  }

  async use(digest: string): Promise<boolean> {
    const isKept = this.kept?.digest === digest;
    if (isKept) this.kept = undefined;
    return isKept;
  }
}

class Watcher extends CallerSeen {
  readonly nodes: string[] = [];
  failure?: Error;

  async seen({ nodeId }: Identity): Promise<void> {
    if (this.failure) throw this.failure;
    this.nodes.push(nodeId);
  }
}

const HERE = '~shere';
const SECRET = 'a secret that is long enough for HS256';
let clock: ManualClock;
let keys: ValidationKeys;
let watcher: Watcher;
let upgrades: UpgradeAuthenticator;
let authKey: string;
let identity: Identity;

beforeEach(async () => {
  clock = new ManualClock();
  const settings = new AuthSettings({ secret: SECRET });
  const verifier = new AuthKeyVerifier(KeyRing.of(settings, clock), settings, clock, new NothingRevoked());
  keys = new ValidationKeys(new OneGrantStore(), settings, clock, new NothingRevoked());
  watcher = new Watcher();
  upgrades = new UpgradeAuthenticator(verifier, keys, watcher);
  authKey = await signAuthKey({
    sub: 'phone',
    clientId: 'ann',
    issuedAt: clock.now() / 1_000,
    alg: 'HS256',
    secret: SECRET,
  });
  identity = await verifier.verify(authKey);
});

const refusal = (credentials: UpgradeCredentials, direct = true, at = HERE): Promise<unknown> =>
  upgrades.authenticate(credentials, at, direct).catch((error: unknown) => error);

describe('an upgrade', () => {
  it('is opened by an auth key in the header', async () => {
    const upgrade = await upgrades.authenticate({ authorization: `Bearer ${authKey}` }, HERE, true);
    expect(upgrade.identity).toEqual(identity);
    expect(watcher.nodes).toEqual([]);
    expect(await upgrade.commit()).toBe(true);
    expect(watcher.nodes).toEqual(['phone']);
  });

  it('is opened by a validation key, once, with the same identity', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    const upgrade = await upgrades.authenticate({ validationKey }, HERE, false);
    expect(upgrade.identity).toEqual(identity);
    expect(await upgrade.commit()).toBe(true);
    expect(await upgrade.commit()).toBe(false);
    expect(await refusal({ validationKey })).toEqual(new Refusal('unauthorized'));
  });

  it('that does not get to its commit leaves the validation key good', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    await upgrades.authenticate({ validationKey }, HERE, true);
    watcher.failure = new Refusal('retry_later');
    const failed = await upgrades.authenticate({ validationKey }, HERE, true);
    await expect(failed.commit()).rejects.toMatchObject({ code: 'retry_later' });
    watcher.failure = undefined;
    expect(await (await upgrades.authenticate({ validationKey }, HERE, true)).commit()).toBe(true);
  });

  it('is won by exactly one of 100 that present one validation key', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    const attempts = Array.from({ length: 100 }, () => upgrades.authenticate({ validationKey }, HERE, true));
    const outcomes = await Promise.all((await Promise.all(attempts)).map((upgrade) => upgrade.commit()));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  it('with both credentials is malformed, valid or not', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    expect(await refusal({ validationKey, authorization: `Bearer ${authKey}` })).toMatchObject({
      code: 'bad_handshake',
    });
    expect(await refusal({ validationKey: '', authorization: '' })).toMatchObject({ code: 'bad_handshake' });
  });

  it('is refused in one and the same way', async () => {
    const { validationKey } = await keys.issue(identity, HERE);
    const refusals = [
      await refusal({}),
      await refusal({ authorization: '' }),
      await refusal({ authorization: authKey }),
      await refusal({ authorization: `Basic ${authKey}` }),
      await refusal({ authorization: `Bearer ${authKey} ${authKey}` }),
      await refusal({ authorization: `Bearer ${authKey}x` }),
      await refusal({ authorization: `Bearer ${validationKey}` }),
      await refusal({ authorization: `Bearer ${authKey}` }, false),
      await refusal({ validationKey: authKey }),
      await refusal({ validationKey: '' }),
      await refusal({ validationKey: `${validationKey}=` }),
      await refusal({ validationKey }, true, '~sthere'),
    ];
    for (const each of refusals) expect(each).toEqual(new Refusal('unauthorized'));
  });
});
