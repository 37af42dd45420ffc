// An application of another team: its own calls below /api, and its own gateway. It lets Allspark in, keeps validation
// keys in a store of its own, and blocks senders whom it does not like. This file and the store have 60 lines of code.
import { readFileSync } from 'node:fs';
import { Controller, Get, Module, Param, Put } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import * as allspark from 'allspark';
import { MemoryKeys } from './memory-keys.js';

const loaded = allspark.loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') });
if (!loaded.ok) throw new Error(allspark.formatFaults(loaded.faults));
const surroundings = await allspark.surroundingsOf(loaded.config, allspark.createLogger({ level: 'warn' }));
const keys = new MemoryKeys();
const own = { providers: [{ provide: allspark.ValidationKeyStore, useValue: keys }] };

@Controller('blocked')
class Blocklist {
  private readonly nodes = new Set<string>();

  constructor(hooks: allspark.RoutingHooks) {
    const refusal = new allspark.Refusal('forbidden', { reason: 'blocked by its team' });
    hooks.beforeRoute(({ sender }) => (this.nodes.has(sender.nodeId) ? refusal : undefined));
  }

  @Get()
  all(): object {
    return { blocked: [...this.nodes], keys: keys.grants.size };
  }

  @Put(':node')
  block(@Param('node') node: string): void {
    this.nodes.add(node);
  }
}

@WebSocketGateway({ path: '/echo' })
class Echo {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): object {
    return { event: 'echo', data };
  }
}

@Module({ imports: [allspark.AllsparkModule.forRoot(surroundings, own)], controllers: [Blocklist], providers: [Echo] })
class Application {}

const adapter = await allspark.httpAdapterOf(loaded.config);
const app = await NestFactory.create(Application, adapter, { rawBody: true, logger: ['warn', 'error'] });
app.setGlobalPrefix('api', { exclude: allspark.ALLSPARK_ROUTES });
allspark.useNativeWebsockets(app);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 8080, '127.0.0.1');
console.log(`ready ${(await allspark.letIn(app)).url}`);
