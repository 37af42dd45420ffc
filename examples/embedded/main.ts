// An application of another team: its own calls below /api, its own gateway, its own pipe and filter. It lets Allspark in,
// keeps validation keys in a store of its own, and blocks senders whom it does not like.
import { Catch, Controller, Delete, Get, Module, Param, Put, VersioningType } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import * as allspark from 'allspark';
import { MemoryKeys } from './memory-keys.js';

const loaded = allspark.loadConfig({ env: process.env, readFile: String });
if (!loaded.ok) throw new Error(allspark.formatFaults(loaded.faults));
const surroundings = await allspark.surroundingsOf(loaded.config, allspark.createLogger({ level: 'warn' }));
const keys = new MemoryKeys();
const own = { providers: [{ provide: allspark.ValidationKeyStore, useValue: keys }] };

@Controller('blocked')
class BlocklistController {
  private readonly nodes = new Set<string>();

  constructor(hooks: allspark.RoutingHooks) {
    const refusal = new allspark.Refusal('forbidden', { reason: 'blocked by its team' });
    hooks.beforeRoute(({ sender }) => (this.nodes.has(sender.nodeId) ? refusal : undefined));
  }

  @Get()
  all(): object {
    return { blocked: [...this.nodes], keysIssued: keys.issued };
  }

  @Put(':node')
  block(@Param('node') node: string): void {
    this.nodes.add(node);
  }

  @Delete(':node')
  unblock(@Param('node') node: string): void {
    this.nodes.delete(node);
  }
}

@WebSocketGateway({ path: '/echo' })
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): object {
    return { event: 'echo', data };
  }
}

@Catch()
class OwnErrors implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToHttp().getResponse().status(418).json({ error: 'of another team' });
  }
}

const imports = [allspark.AllsparkModule.forRoot(surroundings, own)];
@Module({ imports, controllers: [BlocklistController], providers: [EchoGateway] })
class Application {}

const app = await NestFactory.create(Application, { rawBody: true, logger: ['warn', 'error'] });
app.setGlobalPrefix('api', { exclude: allspark.ALLSPARK_ROUTES });
app.enableVersioning({ type: VersioningType.URI, defaultVersion: '7' });
app.useGlobalPipes({ transform: (value: unknown) => (typeof value === 'string' ? value.trim() : value) });
app.useGlobalFilters(new OwnErrors());
allspark.useNativeWebsockets(app);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 8080, '127.0.0.1');
console.log(`ready ${(await allspark.letIn(app)).url}`);
