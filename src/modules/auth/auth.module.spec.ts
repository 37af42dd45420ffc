import type { Server } from 'node:http';
import { Catch, Controller, Get, Global, Injectable, Module, UseGuards } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter, INestApplication } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { Test } from '@nestjs/testing';
import { Strategy } from 'passport-jwt';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { Clock, ManualClock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import { AuthModule, type AuthWiring } from './auth.module.js';
import type { AuthOptions } from './auth.settings.js';
import { BearerGuard } from './bearer.guard.js';
import { CallerSeen } from './caller-seen.js';
import { Caller } from './caller.js';
import type { Identity, Role } from './identity.js';
import { EndOrders } from './end-orders.js';
import { signAuthKey } from './make-key.js';
import { Revocations } from './revocations.js';
import { Roles, RolesGuard } from './roles.js';
import { MemoryEndOrders } from './testing/index.js';
import { UpgradeAuthenticator } from './upgrade-authenticator.js';
import { ValidationKeyStore } from './validation-key-store.js';

const SECRET = 'a secret that is long enough for HS256';
const clock = new ManualClock();

@Controller()
@UseGuards(BearerGuard, RolesGuard)
class Desk {
  @Get('anyone')
  anyone(@Caller() caller: Identity): Identity {
    return caller;
  }

  @Get('backend')
  @Roles('app')
  backend(@Caller() caller: Identity): string {
    return caller.nodeId;
  }

  @Get('operator')
  @Roles('admin')
  operator(@Caller() caller: Identity): string {
    return caller.nodeId;
  }
}

@Controller('usual')
@UseGuards(AuthGuard('allspark'))
class UsualDesk {
  @Get()
  open(): string {
    return 'open';
  }
}

@Controller('forgotten')
@UseGuards(RolesGuard)
class ForgottenDesk {
  @Get()
  @Roles('node')
  open(): string {
    return 'open';
  }
}

@Catch(Refusal)
class RefusalFilter implements ExceptionFilter<Refusal> {
  catch(refusal: Refusal, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>();
    response.status(refusal.status).json({ code: refusal.code, reason: refusal.reason });
  }
}

@Injectable()
class Registry extends CallerSeen {
  readonly nodes: string[] = [];
  failure?: Error;

  async seen({ nodeId }: Identity): Promise<void> {
    if (this.failure) throw this.failure;
    this.nodes.push(nodeId);
  }
}

@Global()
@Module({
  providers: [
    { provide: Clock, useValue: clock },
    { provide: ValidationKeyStore, useValue: {} },
    { provide: EndOrders, useClass: MemoryEndOrders },
    Registry,
  ],
  exports: [Clock, ValidationKeyStore, EndOrders, Registry],
})
class Surroundings {}

const apps: INestApplication<Server>[] = [];
const startApp = async (options: AuthOptions, wiring: AuthWiring = {}): Promise<INestApplication<Server>> => {
  const testing = await Test.createTestingModule({
    imports: [Surroundings, AuthModule.forRoot(options, wiring)],
    controllers: [Desk, UsualDesk, ForgottenDesk],
  }).compile();
  const app = testing.createNestApplication<INestApplication<Server>>({ logger: false });
  app.useGlobalFilters(new RefusalFilter());
  await app.init();
  apps.push(app);
  return app;
};
const keyOf = (sub: string, role?: Role, secret = SECRET): Promise<string> =>
  signAuthKey({ sub, role, issuedAt: clock.now() / 1_000, alg: 'HS256', secret });
const call = (app: INestApplication<Server>, path: string, authorization?: string): request.Test => {
  const asked = request(app.getHttpServer()).get(path);
  return authorization === undefined ? asked : asked.set('Authorization', authorization);
};

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describe('a guarded call', () => {
  it('knows its caller', async () => {
    const app = await startApp({ secret: SECRET });
    const answer = await call(app, '/anyone', `Bearer ${await keyOf('phone')}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ nodeId: 'phone', role: 'node', clientId: null, kid: null });
  });

  it('is refused in one and the same way', async () => {
    const app = await startApp({ secret: SECRET });
    const key = await keyOf('phone');
    const headers = [undefined, '', 'Bearer', 'Bearer x', key, `Basic ${key}`, `Bearer ${key}x`, `Bearer ${key} x`];
    for (const header of headers) {
      const answer = await call(app, '/anyone', header);
      expect([answer.status, answer.body]).toEqual([401, { code: 'unauthorized', reason: 'A valid key is needed' }]);
    }
    for (const path of [`/anyone?access_token=${key}`, `/anyone?authorization=Bearer ${key}`]) {
      expect((await call(app, path)).status).toBe(401);
    }
  });

  it('is refused in the same way when its key was revoked, until there is a later one', async () => {
    const app = await startApp({ secret: SECRET });
    const key = await keyOf('phone');
    await app.get(Revocations).revoke({ by: 'node', id: 'phone' });
    const answer = await call(app, '/anyone', `Bearer ${key}`);
    expect([answer.status, answer.body]).toEqual([401, { code: 'unauthorized', reason: 'A valid key is needed' }]);
    expect((await call(app, '/anyone', `Bearer ${await keyOf('laptop')}`)).status).toBe(200);
    clock.advance(1_000);
    expect((await call(app, '/anyone', `Bearer ${await keyOf('phone')}`)).status).toBe(200);
  });

  it('keeps the callers of calls at the same time apart', async () => {
    const app = await startApp({ secret: SECRET });
    await app.listen(0, '127.0.0.1');
    const names = Array.from({ length: 30 }, (_, index) => `node-${index}`);
    const seen = await Promise.all(
      names.map(async (name) => (await call(app, '/anyone', `Bearer ${await keyOf(name)}`)).body as Identity),
    );
    expect(seen.map(({ nodeId }) => nodeId)).toEqual(names);
  });

  it('is judged by the keys of its own application when several share a process', async () => {
    const otherSecret = `${SECRET} of another one`;
    const [first, second] = [await startApp({ secret: SECRET }), await startApp({ secret: otherSecret })];
    expect((await call(first, '/anyone', `Bearer ${await keyOf('phone')}`)).status).toBe(200);
    expect((await call(second, '/anyone', `Bearer ${await keyOf('phone')}`)).status).toBe(401);
    expect((await call(second, '/anyone', `Bearer ${await keyOf('phone', 'node', otherSecret)}`)).status).toBe(200);
  });

  it.each<[string, Role, number]>([
    ['/backend', 'node', 403],
    ['/backend', 'app', 200],
    ['/backend', 'admin', 200],
    ['/operator', 'node', 403],
    ['/operator', 'app', 403],
    ['/operator', 'admin', 200],
    ['/anyone', 'admin', 200],
  ])('to %s by a %s is answered with %i', async (path, role, status) => {
    const app = await startApp({ secret: SECRET });
    const answer = await call(app, path, `Bearer ${await keyOf('x', role)}`);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body).toMatchObject({ code: 'forbidden' });
  });

  it('stays closed where the bearer guard was forgotten', async () => {
    const app = await startApp({ secret: SECRET });
    expect((await call(app, '/forgotten', `Bearer ${await keyOf('x', 'admin')}`)).status).toBe(401);
  });
});

describe('the watcher of callers', () => {
  it('knows of a valid caller before the answer, and of no other', async () => {
    const app = await startApp({ secret: SECRET }, { callerSeen: Registry });
    await call(app, '/anyone', `Bearer ${await keyOf('phone')}`);
    await call(app, '/anyone', `Bearer ${await keyOf('thief', 'node', `${SECRET}!`)}`);
    expect(app.get(Registry).nodes).toEqual(['phone']);
  });

  it('ends the call with what it throws', async () => {
    const app = await startApp({ secret: SECRET }, { callerSeen: Registry });
    app.get(Registry).failure = new Refusal('retry_later');
    expect((await call(app, '/anyone', `Bearer ${await keyOf('phone')}`)).status).toBe(503);
  });
});

describe('the module', () => {
  it('lets an application use the strategy by its name, and leaves its other strategies alone', async () => {
    const { JwtVerifier } = Strategy as unknown as { JwtVerifier: unknown };
    const app = await startApp({ secret: SECRET });
    expect((await call(app, '/usual', `Bearer ${await keyOf('phone')}`)).text).toBe('open');
    expect((await call(app, '/usual', 'Bearer x')).status).toBe(401);
    expect((Strategy as unknown as { JwtVerifier: unknown }).JwtVerifier).toBe(JwtVerifier);
  });

  it('does not start without a key', async () => {
    await expect(startApp({})).rejects.toThrow('at least one of secret, publicKey, jwksUri, keySet');
  });

  it('takes its settings from a factory', async () => {
    const testing = await Test.createTestingModule({
      imports: [Surroundings, AuthModule.forRootAsync({ useFactory: () => Promise.resolve({ secret: SECRET }) })],
    }).compile();
    const upgrades = testing.get(UpgradeAuthenticator);
    const authorization = `Bearer ${await keyOf('phone')}`;
    expect((await upgrades.authenticate({ authorization }, '~s', true)).identity.nodeId).toBe('phone');
  });
});
