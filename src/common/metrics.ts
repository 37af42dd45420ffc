import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type LimitName, LIMITS } from './limit-names.js';

const LATENCY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SIZES = [0, 1, 10, 100, 1_000, 10_000, 100_000];

/**
 * What operators see. One registry per application, so that several can live in one process. Labels are words of closed
 * lists, never ids.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly messages = new Counter({
    name: 'allspark_messages_total',
    help: 'Messages by class (durable, transient), way in (websocket, rest) and outcome',
    labelNames: ['class', 'way', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly deliveries = new Counter({
    name: 'allspark_deliveries_total',
    help: 'Message frames handed to connections',
    registers: [this.registry],
  });
  readonly refusals = new Counter({
    name: 'allspark_refusals_total',
    help: 'Refusals by code and way in',
    labelNames: ['code', 'way'] as const,
    registers: [this.registry],
  });
  readonly limitHits = new Counter({
    name: 'allspark_limit_hits_total',
    help: 'How often a limit was hit, by its name',
    labelNames: ['limit'] as const,
    registers: [this.registry],
  });
  readonly closes = new Counter({
    name: 'allspark_closes_total',
    help: 'Closed connections by close code',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });
  readonly handshakes = new Counter({
    name: 'allspark_handshakes_total',
    help: 'Websocket handshakes by HTTP status',
    labelNames: ['status'] as const,
    registers: [this.registry],
  });
  readonly drops = new Counter({
    name: 'allspark_drops_total',
    help: 'What was dropped, by reason',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  readonly appendSeconds = new Histogram({
    name: 'allspark_append_seconds',
    help: 'From a durable message in to its answer out',
    buckets: LATENCY_SECONDS,
    registers: [this.registry],
  });
  readonly commitSeconds = new Histogram({
    name: 'allspark_commit_seconds',
    help: 'One commit of the store',
    buckets: LATENCY_SECONDS,
    registers: [this.registry],
  });
  readonly inboxPending = new Histogram({
    name: 'allspark_inbox_pending_messages',
    help: 'Messages that waited in an inbox when a connection of its node opened',
    buckets: SIZES,
    registers: [this.registry],
  });

  constructor() {
    // A limit that was never hit is seen to be there, and the first hit is a rise.
    for (const limit of LIMITS) this.limitHits.inc({ limit }, 0);
  }

  /** A refusal that an edge answers. */
  refused({ code, limit }: { readonly code: string; readonly limit?: LimitName }, way: 'rest' | 'websocket'): void {
    this.refusals.inc({ code, way });
    if (limit !== undefined) this.hit(limit);
  }

  /** A limit was hit; one that pauses something is hit when the pause begins. */
  hit(limit: LimitName): void {
    this.limitHits.inc({ limit });
  }

  /** A figure that is read when somebody asks. */
  observe(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  /** As `observe`, one figure for each value of a label. */
  observeBy(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    const collect = (): void => {
      for (const [value, figure] of Object.entries(read())) gauge.set({ [label]: value }, figure);
    };
    const gauge: Gauge = new Gauge({ name, help, labelNames: [label], registers: [this.registry], collect });
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
