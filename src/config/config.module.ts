import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, getConfigToken, registerAs } from '@nestjs/config';
import type { Config } from './load-config.js';
import { slices, type SliceName } from './slices.js';

/** The injection token of a slice, for factories: `{ inject: [sliceToken('auth')], useFactory: (auth: Slice<'auth'>) => … }`. */
export const sliceToken = (name: SliceName): string => getConfigToken(name);

export const InjectSlice = (name: SliceName) => Inject(sliceToken(name));

/** Hands out the slices of a configuration that was loaded before; reads neither environment nor files itself. */
@Module({})
export class SettingsModule {
  static forRoot({ settings }: Config): DynamicModule {
    const names = Object.keys(slices) as SliceName[];
    const load = names.map((name) => registerAs(name, () => slices[name](settings)));
    const nothingElse = { ignoreEnvFile: true, ignoreEnvVars: true, skipProcessEnv: true } as const;
    return { module: SettingsModule, imports: [ConfigModule.forRoot({ isGlobal: true, ...nothingElse, load })] };
  }
}
