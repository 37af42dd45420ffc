export { AuthKeyVerifier } from './auth-key-verifier.js';
export { AuthSetupFault } from './auth.errors.js';
export { AuthModule, type AsyncAuthWiring, type AuthWiring } from './auth.module.js';
export { AuthSettings, type AuthOptions } from './auth.settings.js';
export { bearerToken } from './bearer-token.js';
export { BearerGuard } from './bearer.guard.js';
export { BearerStrategy } from './bearer.strategy.js';
export { CallerSeen } from './caller-seen.js';
export { Caller, callerOf } from './caller.js';
export { FailedAuthentications } from './failed-authentications.js';
export {
  type ConnectionsEnd,
  type EndOrder,
  type EndOrderRow,
  EndOrders,
  type IssuedKey,
  type KeyHolder,
  type KeysEnd,
} from './end-orders.js';
export { endsKey, ForcedEnds } from './forced-ends.js';
export { ForcedEndsModule } from './forced-ends.module.js';
export { isRole, ROLES, type Identity, type Role } from './identity.js';
export { KeyRing } from './key-ring.js';
export { signAuthKey, type AuthKeyRequest, type SigningKey } from './make-key.js';
export { ALGORITHMS, type Algorithm } from './pinned-key.js';
export type { RemoteKeySetTimes } from './remote-key-set.js';
export { Revocations } from './revocations.js';
export { NothingRevoked, RevokedKeys } from './revoked-keys.js';
export { isAllowed, Roles, RolesGuard } from './roles.js';
export { loadOrMakeSecret } from './secret-file.js';
export { UpgradeAuthenticator, type AuthenticatedUpgrade, type UpgradeCredentials } from './upgrade-authenticator.js';
export { ValidationKeyStore, type ValidationGrant } from './validation-key-store.js';
export { ValidationKeys, type IssuedValidationKey } from './validation-keys.js';
