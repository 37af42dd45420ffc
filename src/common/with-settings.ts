import {
  type Abstract,
  type DynamicModule,
  type FactoryProvider,
  Module,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';

/** Settings that are known only while the application is made. */
export interface AsyncSettings<T> {
  /** Modules that provide what is injected, unless they are global. */
  readonly imports?: ModuleMetadata['imports'];
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...given: never[]) => T | Promise<T>;
}

/** Settings at hand, or how to make them. */
export type Given<T> = { readonly useValue: T } | AsyncSettings<T>;

@Module({})
class SettingsOfModule {}

/** The provider of what was given, under the token. */
export function settingsProvider<T>(provide: FactoryProvider['provide'], given: Given<T>): Provider {
  if ('useValue' in given) return { provide, useValue: given.useValue };
  return { provide, useFactory: given.useFactory, inject: given.inject ?? [] };
}

export function importsOf(given: Given<unknown>): NonNullable<ModuleMetadata['imports']> {
  return 'useValue' in given ? [] : (given.imports ?? []);
}

/**
 * A module together with its settings, which everybody may inject. The module itself is imported as it is: others import
 * it so too, and one that carried its settings would be a second instance beside theirs.
 */
export function withSettings<T>(
  module: Type,
  token: Abstract<T>,
  given: Given<T>,
  derived: readonly FactoryProvider[] = [],
): DynamicModule {
  return {
    module: SettingsOfModule,
    global: true,
    imports: [...importsOf(given), module],
    providers: [settingsProvider(token, given), ...derived],
    exports: [module, token, ...derived.map(({ provide }) => provide)],
  };
}

/** Ports of a storage family that an application provides itself, and the modules that these providers need. */
export interface OwnPorts {
  readonly imports?: ModuleMetadata['imports'];
  readonly providers?: readonly Provider[];
}
