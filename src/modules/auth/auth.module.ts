import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata, type Provider } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { type AsyncSettings, settingsProvider } from '../../common/with-settings.js';
import { RemoteAddress } from '../../common/remote-address.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { AuthSettings, type AuthOptions } from './auth.settings.js';
import { BearerGuard } from './bearer.guard.js';
import { BearerStrategy } from './bearer.strategy.js';
import { CallerSeen, NobodyWatches } from './caller-seen.js';
import { FailedAuthentications } from './failed-authentications.js';
import { ForcedEnds } from './forced-ends.js';
import { ForcedEndsModule } from './forced-ends.module.js';
import { KeyRing } from './key-ring.js';
import { KeySetRenewal } from './key-set-renewal.js';
import { Revocations } from './revocations.js';
import { RevokedKeys } from './revoked-keys.js';
import { RolesGuard } from './roles.js';
import { UpgradeAuthenticator } from './upgrade-authenticator.js';
import { ValidationKeys } from './validation-keys.js';

export interface AuthWiring {
  /** Modules that provide `ValidationKeyStore`, `Clock` and `callerSeen`, unless they are global. */
  readonly imports?: ModuleMetadata['imports'];
  /** Token of a provider with the method of `CallerSeen`; without one nobody is told. */
  readonly callerSeen?: InjectionToken;
}

export type AsyncAuthWiring = AuthWiring & AsyncSettings<AuthOptions>;

/** Needs from its surroundings: `ValidationKeyStore`, `EndOrders`, `Clock`. Global: guards are made where controllers use them. */
@Module({})
export class AuthModule {
  static forRoot(options: AuthOptions, wiring: AuthWiring = {}): DynamicModule {
    return dynamicModule({ provide: AuthSettings, useValue: new AuthSettings(options) }, wiring);
  }

  static forRootAsync(wiring: AsyncAuthWiring): DynamicModule {
    const useFactory = async (...given: never[]): Promise<AuthSettings> =>
      new AuthSettings(await wiring.useFactory(...given));
    return dynamicModule(settingsProvider(AuthSettings, { ...wiring, useFactory }), wiring);
  }
}

function makeKeyRing(settings: AuthSettings, clock: Clock): KeyRing {
  return KeyRing.of(settings, clock);
}

function dynamicModule(settings: Provider, { imports = [], callerSeen }: AuthWiring): DynamicModule {
  const watcher: Provider = callerSeen
    ? { provide: CallerSeen, useExisting: callerSeen }
    : { provide: CallerSeen, useClass: NobodyWatches };
  return {
    module: AuthModule,
    global: true,
    imports: [...imports, ForcedEndsModule],
    providers: [
      settings,
      watcher,
      { provide: RevokedKeys, useExisting: ForcedEnds },
      { provide: KeyRing, useFactory: makeKeyRing, inject: [AuthSettings, Clock] },
      {
        provide: RemoteAddress,
        useFactory: ({ trustedProxies }: AuthSettings) => new RemoteAddress(trustedProxies),
        inject: [AuthSettings],
      },
      KeySetRenewal,
      FailedAuthentications,
      AuthKeyVerifier,
      BearerStrategy,
      BearerGuard,
      RolesGuard,
      ValidationKeys,
      UpgradeAuthenticator,
      Revocations,
    ],
    // The guards are made in the module of the controller that uses them, so what they need is exported too.
    exports: [
      AuthSettings,
      RemoteAddress,
      FailedAuthentications,
      CallerSeen,
      AuthKeyVerifier,
      BearerStrategy,
      BearerGuard,
      RolesGuard,
      ValidationKeys,
      UpgradeAuthenticator,
      Revocations,
      RevokedKeys,
    ],
  };
}
