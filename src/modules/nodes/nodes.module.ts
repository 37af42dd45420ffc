import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { Heartbeat } from './heartbeat.js';
import { NodesService } from './nodes.service.js';
import { ServerNode } from './server-node.js';
import { ServerNodeChooser } from './server-node-chooser.js';
import { ServerNodesSettings } from './server-nodes.settings.js';
import { ServerNodesView } from './server-nodes-view.js';

const SERVICES = [NodesService, ServerNode, ServerNodesView, ServerNodeChooser, Heartbeat];

/**
 * Needs from its surroundings: `NodeRegistry`, `ServerNodes`, `ServerNodesSettings`, `Clock`, `Lifecycle`, `LoopLag`,
 * `Overload`.
 */
@Module({ providers: SERVICES, exports: SERVICES })
export class NodesModule {
  static forRoot(settings: ServerNodesSettings): DynamicModule {
    return withSettings(NodesModule, ServerNodesSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<ServerNodesSettings>): DynamicModule {
    return withSettings(NodesModule, ServerNodesSettings, settings);
  }
}
