import { Injectable, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { HeapUse } from '../../common/heap-use.js';
import { LoopLag } from '../../common/loop-lag.js';
import { Metrics } from '../../common/metrics.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import { InboxService } from '../../modules/inbox/index.js';
import { Heartbeat, ServerNodesView } from '../../modules/nodes/index.js';
import { GroupsService } from '../../modules/sessions/index.js';

/** What node.js says of the process: one set, however many applications live in it. */
let ofProcess: readonly Metric[] | undefined;

function processMetrics(): readonly Metric[] {
  if (ofProcess) return ofProcess;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // The declared type describes the values, but what is handed out are the metrics themselves.
  ofProcess = registry.getMetricsAsArray() as unknown as Metric[];
  return ofProcess;
}

/** Figures that are read when somebody asks. */
@Injectable()
export class Figures implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly connections: ConnectionsService,
    private readonly inbox: InboxService,
    private readonly groups: GroupsService,
    private readonly lag: LoopLag,
    private readonly heap: HeapUse,
    private readonly view: ServerNodesView,
    private readonly heartbeat: Heartbeat,
  ) {}

  onModuleInit(): void {
    const { metrics, connections, inbox, groups, lag, heap, view, heartbeat } = this;
    for (const metric of processMetrics()) metrics.registry.registerMetric(metric);
    metrics.observe('allspark_connections', 'Live connections', () => connections.size);
    metrics.observe(
      'allspark_loop_lag_seconds',
      'Event loop lag, 99th percentile of the last whole second',
      () => lag.currentMs / 1_000,
    );
    metrics.observe(
      'allspark_heap_alive_ratio',
      'Part of the heap limit that is alive: what the last collection of the whole heap left',
      () => heap.fraction,
    );
    metrics.observeBy(
      'allspark_server_nodes',
      'Server nodes of the cluster that have a place, as this one sees them, by state (live, dead)',
      'state',
      () => view.count,
    );
    metrics.observe(
      'allspark_heartbeat_silent_seconds',
      'Since the last heartbeat of this server node got through',
      () => heartbeat.silentMs / 1_000,
    );
    metrics.observe('allspark_appends_waiting', 'Messages that wait to be appended', () => inbox.depths.appends);
    metrics.observe('allspark_logs_held', 'Logs whose tail is held in memory', () => inbox.depths.logs);
    metrics.observe('allspark_logs_read', 'Logs that have a reader', () => inbox.depths.readLogs);
    metrics.observe('allspark_acks_waiting', 'Acknowledgements that wait to be written', () => inbox.depths.acks);
    metrics.observe(
      'allspark_group_appends_waiting',
      'Entries of sessions and clients that wait to be appended',
      () => groups.depths.groupAppends,
    );
    metrics.observe(
      'allspark_groups_held',
      'Sessions and clients whose members are held in memory',
      () => groups.depths.groups,
    );
    metrics.observe(
      'allspark_groups_undriven',
      'Sessions and clients whose last entries are not marked as driven yet',
      () => groups.depths.undriven,
    );
  }
}
