import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { type AsyncSettings, withSettings } from './with-settings.js';

abstract class Settings {
  abstract readonly limit: number;
}

@Injectable()
class Service {
  constructor(readonly settings: Settings) {}
}

@Module({ providers: [Service], exports: [Service] })
class ServiceModule {
  static forRoot(settings: Settings): DynamicModule {
    return withSettings(ServiceModule, Settings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<Settings>): DynamicModule {
    return withSettings(ServiceModule, Settings, settings);
  }
}

@Injectable()
class Neighbour {
  constructor(readonly service: Service) {}
}

/** As modules import each other: without settings. */
@Module({ imports: [ServiceModule], providers: [Neighbour] })
class NeighbourModule {}

@Module({ providers: [{ provide: 'limit', useValue: 7 }], exports: ['limit'] })
class LimitModule {}

function started(module: DynamicModule): Promise<TestingModule> {
  return Test.createTestingModule({ imports: [module, NeighbourModule] }).compile();
}

describe('a module with its settings', () => {
  it('gets them as they are given', async () => {
    const app = await started(ServiceModule.forRoot({ limit: 5 }));
    expect(app.get(Service, { strict: false }).settings.limit).toBe(5);
  });

  it('gets them from a factory, which is given what it injects and may take its time', async () => {
    const app = await started(
      ServiceModule.forRootAsync({
        imports: [LimitModule],
        inject: ['limit'],
        useFactory: (limit: number) => Promise.resolve({ limit }),
      }),
    );
    expect(app.get(Service, { strict: false }).settings.limit).toBe(7);
  });

  it('is the same instance as the one that other modules import without them', async () => {
    const app = await started(ServiceModule.forRoot({ limit: 5 }));
    expect(app.get(Neighbour, { strict: false }).service).toBe(app.get(Service, { strict: false }));
    expect(app.get(Service, { each: true, strict: false })).toHaveLength(1);
  });
});
