import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, FactoryProvider, InjectionToken, Provider, Type, ValueProvider } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { BoundAddress } from '../../src/settings-of-modules.js';
import * as door from '../../src/index.js';
import { Secret } from '../../src/config/secret.js';
import { SECRET } from '../support/test-server.js';

interface Configurable {
  forRoot(settings: unknown): DynamicModule;
  forRootAsync(settings: { readonly useFactory: () => unknown }): DynamicModule;
}

const loaded = door.loadConfig({ env: { DATA_DIR: join(tmpdir(), 'nothing-is-opened-here') }, readFile: String });
if (!loaded.ok) throw new Error(door.formatFaults(loaded.faults));
const { config } = loaded;
const surroundings: door.AppSurroundings = {
  config,
  address: new BoundAddress(config),
  keys: { secret: SECRET },
  links: { secret: new Secret(SECRET) },
};

/** What only these look at before the application is made. */
const SETTINGS = new Map<string, unknown>([
  ['AllsparkModule', surroundings],
  ['AuthModule', { secret: SECRET }],
]);
const modules = Object.entries(door as Record<string, unknown>).filter(
  (entry): entry is [string, Configurable] => typeof entry[1] === 'function' && 'forRoot' in entry[1],
);

const isDynamic = (imported: DynamicModule | Type): imported is DynamicModule => 'module' in imported;
const tokenOf = (provider: Provider): InjectionToken => (typeof provider === 'function' ? provider : provider.provide);
const isValue = (provider: Provider): provider is ValueProvider => 'useValue' in provider;

/** The module, and all that it brings with it. */
async function withImports(module: DynamicModule): Promise<DynamicModule[]> {
  const imports = await Promise.all(
    (module.imports ?? []).map(async (imported) => (await imported) as DynamicModule | Type),
  );
  const dynamic = imports.filter(isDynamic);
  return [module, ...(await Promise.all(dynamic.map(withImports))).flat()];
}

function shapeOf({ module, global, imports = [], providers = [], exports = [] }: DynamicModule): unknown {
  const bare = (imports as Array<DynamicModule | Type>).filter((each) => typeof each === 'function');
  return { module, global, bare, providers: providers.map(tokenOf), exports };
}

/** What a factory makes in place of each value. */
async function valuesOf(direct: readonly DynamicModule[], made: readonly DynamicModule[]): Promise<unknown[][]> {
  const factories = made.flatMap(({ providers = [] }) => providers) as FactoryProvider[];
  const values = direct.flatMap(({ providers = [] }) => providers.filter(isValue));
  return Promise.all(
    values.map(async ({ provide, useValue }) => {
      const factory = factories.find((provider) => tokenOf(provider) === provide);
      return [useValue, await factory?.useFactory()];
    }),
  );
}

describe('of the modules that take settings', () => {
  it('there are as many as the documents name', () => {
    expect(modules.map(([name]) => name)).toHaveLength(13);
  });

  it.each(modules)('%s takes them from a factory too, and provides the same with them', async (name, module) => {
    const settings = SETTINGS.get(name) ?? { name };
    const direct = await withImports(module.forRoot(settings));
    const made = await withImports(module.forRootAsync({ useFactory: () => Promise.resolve(settings) }));
    expect(made.map(shapeOf)).toEqual(direct.map(shapeOf));
    const values = await valuesOf(direct, made);
    expect(values).not.toEqual([]);
    for (const [given, fromFactory] of values) expect(fromFactory).toEqual(given);
  });
});
