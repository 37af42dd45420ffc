import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { FakeGroupLog } from '../../../test/support/fake-group-log.js';
import { GROUP_SETTINGS, INBOX_SETTINGS } from '../../../test/support/group-services.js';
import { ManualClock } from '../../common/clock.js';
import type { HeapUse } from '../../common/heap-use.js';
import { Metrics } from '../../common/metrics.js';
import { StallGuard } from '../../common/stall-guard.js';
import { type Destination, type Message, Refusal } from '../../protocol/index.js';
import { ForcedEnds } from '../auth/index.js';
import { MemoryEndOrders } from '../auth/testing/index.js';
import { ConnectionHooks, ConnectionsService, type LiveConnection } from '../connections/index.js';
import { MemoryDirectory } from '../connections/testing/index.js';
import { InboxHooks, InboxService, type InboxSettings, StoreHealth } from '../inbox/index.js';
import { type NodeRecord, NodeRegistry, NodesService, ServerNode, ServerNodesView } from '../nodes/index.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from '../nodes/testing/index.js';
import { GroupsService } from '../sessions/index.js';
import { PeerRouting } from './peer-routing.js';
import { RoutingHooks } from './routing.hooks.js';
import { RoutingService } from './routing.service.js';
import { type PresencePolicy, RoutingSettings } from './routing.settings.js';
import type { Answer, Sender } from './routing.types.js';
import { LocalNetwork } from './testing/index.js';

class Registry extends NodeRegistry {
  readonly known = new Map<string, NodeRecord>();
  away = false;
  find(ids: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    if (this.away) return Promise.reject(new Error('away'));
    return Promise.resolve(ids.map((id) => this.known.get(id)));
  }

  record(nodes: readonly NodeRecord[]): Promise<void> {
    for (const node of nodes) this.known.set(node.nodeId, node);
    return Promise.resolve();
  }
}

const memory = { isCritical: false };

class Health extends StoreHealth {
  trouble: string | undefined;

  problem(): string | undefined {
    return this.trouble;
  }

  onFatal(): void {}
}

const SETTINGS: InboxSettings = { ...INBOX_SETTINGS, maxMessages: 3, seatMaxMessages: 3, maxBytes: 10_000 };

class Rules extends RoutingSettings {
  allowUnknownDestinations = false;
  readonly failStopMs = 30_000;
  readonly failStopMessages = 1_000;

  constructor(readonly presence: PresencePolicy) {
    super();
  }
}

class Connection implements LiveConnection {
  readonly kid = null;
  readonly issuedAt = 0;
  readonly frames: string[] = [];

  constructor(
    readonly nodeId: string,
    readonly connectionId: string,
    readonly clientId: string | null = null,
  ) {}

  send(frame: string): void {
    this.frames.push(frame);
  }

  close(): void {}
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
}

let store: FakeInboxLog;
let clock: ManualClock;
let registry: Registry;
let directory: MemoryDirectory;
let health: Health;
let rules: Rules;
let connections: ConnectionsService;
let inbox: InboxService;
let groups: GroupsService;
let routing: RoutingService;
let answers: string[];

async function build(presence: PresencePolicy = 'client'): Promise<void> {
  store = new FakeInboxLog();
  clock = new ManualClock();
  registry = new Registry();
  directory = new MemoryDirectory();
  health = new Health();
  rules = new Rules(presence);
  answers = [];
  const deliveries = new InboxHooks(clock);
  memory.isCritical = false;
  const nodes = new NodesService(registry, clock);
  const serverNodes = new MemoryServerNodes();
  serverNodes.rows.set('far:1', serverNodeRow({ address: 'far:1', serverNodeId: '~sFar', bootId: 'far' }));
  const serverNode = new ServerNode(serverNodes);
  await serverNode.claim(serverNodeAddress());
  const view = new ServerNodesView(serverNodes, serverNode, clock, { heartbeatMs: 3_000, staleMs: 9_000 });
  const ends = new ForcedEnds(new MemoryEndOrders(), clock);
  const quiet = new ConnectionHooks(clock);
  connections = new ConnectionsService(directory, serverNode, view, { perNode: 10 }, ends, clock, quiet);
  inbox = new InboxService(store, SETTINGS, clock, new StallGuard(clock, 5_000, 30_000), nodes, deliveries);
  const guard = new StallGuard(clock, 5_000, 30_000);
  groups = new GroupsService(store, new FakeGroupLog(store), inbox, GROUP_SETTINGS, SETTINGS, clock, guard);
  const alone = { others: false, onDied: () => {} };
  const links = new LocalNetwork().join('~s');
  const peers = new PeerRouting(links, alone, serverNode, connections, inbox, deliveries, clock, new Metrics());
  const hooks = new RoutingHooks(clock);
  const heap = memory as HeapUse;
  routing = new RoutingService(inbox, groups, connections, nodes, health, rules, clock, peers, hooks, heap);
}

function makeKnown(nodeId: string, clientId: string | null = null): void {
  registry.known.set(nodeId, { nodeId, clientId, iat: 1, lastSeen: null });
}

async function connect(nodeId: string, connectionId: string): Promise<Connection> {
  const connection = new Connection(nodeId, connectionId);
  await connections.open(connection);
  return connection;
}

function senderOf(nodeId: string, more: Partial<Sender> = {}): Sender {
  return { nodeId, clientId: null, trusted: false, failStop: routing.failStop(() => {}), ...more };
}

function to(nodeId: string, more: Partial<Message> = {}): Message {
  return { destination: { kind: 'node', nodeId }, type: 0, transient: false, report: false, id: 'm1', ...more };
}

function note(answer: Answer): void {
  answers.push(`${answer.id} ${answer.kind === 'refused' ? answer.refusal.code : answer.kind}`);
}

async function send(sender: Sender, message: Message): Promise<void> {
  void routing.send(sender, message, note);
  await settled();
}

beforeEach(() => build());

describe('a durable message', () => {
  it('is answered stored, and a repeat of it duplicate', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    await send(sender, to('b'));
    await send(sender, to('b'));
    await send(senderOf('a'), to('b'));
    expect(answers).toEqual(['m1 stored', 'm1 duplicate', 'm1 duplicate']);
    expect(store.rowsOf('n:b')[0]?.body).toBe('{"type":0,"dest_id":"b","id":"m1","src_id":"a"}');
  });

  it('is another one from another source', async () => {
    makeKnown('b');
    await send(senderOf('a'), to('b'));
    await send(senderOf('c'), to('b'));
    expect(answers).toEqual(['m1 stored', 'm1 stored']);
  });

  it.each<[string, Partial<Message>]>([
    ['type', { type: 1 }],
    ['payload', { payload: '{"x": 1}' }],
    ['payload1', { payload: '1', payload1: '{"x":1}' }],
    ['payload2', { payload: '1', payload2: '{"x":1}' }],
  ])('under a used id with another %s is a conflict', async (_, more) => {
    makeKnown('b');
    const sender = senderOf('a');
    await send(sender, to('b', { payload: '1' }));
    await send(sender, to('b', { payload: '1', ...more }));
    expect(answers).toEqual(['m1 stored', 'm1 id_conflict']);
  });

  it('to an unknown node is refused, unless the sender may make it known', async () => {
    await send(senderOf('a'), to('b'));
    await send(senderOf('a', { trusted: true }), to('b'));
    rules.allowUnknownDestinations = true;
    await send(senderOf('a'), to('c'));
    expect(answers).toEqual(['m1 node_unknown', 'm1 stored', 'm1 stored']);
  });

  it('to a full inbox is refused for good and holds up nothing', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    for (const id of ['1', '2', '3', '4']) await send(sender, to('b', { id }));
    await inbox.acknowledgeNow('b', 3);
    await send(sender, to('b', { id: '5' }));
    expect(answers.slice(3)).toEqual(['4 inbox_full', '5 stored']);
  });

  it('without an id is told the id that it was stored under, also when it is refused for now', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    store.failNext('insert', 'lost');
    store.failNext('findKeys', 'before');
    const { id: _, ...nameless } = to('b');
    await send(sender, nameless);
    const [name, code] = (answers[0] as string).split(' ');
    expect(code).toBe('retry_later');
    await send(sender, to('b', { id: name as string }));
    expect(answers[1]).toBe(`${name} duplicate`);
    expect(store.history).toHaveLength(1);
  });

  it('is refused for now while the store has a problem, and so is what follows until it comes again', async () => {
    makeKnown('b');
    makeKnown('c');
    const sender = senderOf('a');
    health.trouble = 'the disk is nearly full';
    await send(sender, to('b', { id: '1' }));
    health.trouble = undefined;
    await send(sender, to('b', { id: '2' }));
    await send(sender, to('c', { id: '3' }));
    await send(sender, to('b', { id: '1' }));
    await send(sender, to('b', { id: '2' }));
    expect(answers).toEqual(['1 retry_later', '2 retry_later', '3 stored', '1 stored', '2 stored']);
  });

  it('that was refused before it was looked at holds up what follows it', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    routing.refuse(sender, to('b', { id: '1' }), new Refusal('rate_limited'), note);
    await send(sender, to('b', { id: '2' }));
    await send(sender, to('b', { id: '1' }));
    await send(sender, to('b', { id: '2' }));
    expect(answers).toEqual(['1 rate_limited', '2 retry_later', '1 stored', '2 stored']);
  });

  it('that was refused for good or is transient holds up nothing', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    routing.refuse(sender, to('b', { id: '1' }), new Refusal('forbidden'), note);
    routing.refuse(sender, to('b', { id: '2', transient: true }), new Refusal('rate_limited'), note);
    await send(sender, to('b', { id: '3' }));
    expect(answers.at(-1)).toBe('3 stored');
  });

  it('keeps its order when the store fails in the middle', async () => {
    makeKnown('b');
    const sender = senderOf('a');
    await send(sender, to('b', { id: '0' }));
    const held = store.hold('insert');
    store.failNext('insert', 'before');
    void routing.send(sender, to('b', { id: '1' }), note);
    await held.reached;
    void routing.send(sender, to('b', { id: '2' }), note);
    held.release();
    await settled();
    await send(sender, to('b', { id: '2' }));
    for (const id of ['1', '2']) await send(sender, to('b', { id }));
    expect(answers.slice(1)).toEqual(['1 retry_later', '2 retry_later', '2 retry_later', '1 stored', '2 stored']);
    expect(store.history.map(({ key }) => key)).toEqual(['m a 0', 'm a 1', 'm a 2']);
  });
});

describe('a transient message', () => {
  it('goes to whoever is connected and is not stored', async () => {
    const [one, two] = [await connect('b', 'c1'), await connect('b', 'c2')];
    await send(senderOf('a'), to('b', { transient: true, payload: '1' }));
    const frame = `{"timestamp":${clock.now()},"type":0,"dest_id":"b","id":"m1","src_id":"a","transient":true,"payload":1}`;
    expect([one.frames, two.frames]).toEqual([[frame], [frame]]);
    expect(answers).toEqual(['m1 sent']);
    expect(store.calls).toEqual([]);
  });

  it('to oneself goes to the other connections', async () => {
    const [own, other] = [await connect('a', 'c1'), await connect('a', 'c2')];
    await send(senderOf('a', { connection: own }), to('a', { transient: true }));
    expect([own.frames.length, other.frames.length]).toEqual([0, 1]);
  });

  it('to a known node that is away is answered as sent, to an unknown one as unknown', async () => {
    makeKnown('b');
    await send(senderOf('a'), to('b', { transient: true }));
    await send(senderOf('a'), to('x', { transient: true }));
    expect(answers).toEqual(['m1 sent', 'm1 node_unknown']);
  });

  it('of a sender that may do so makes its receiver known', async () => {
    await send(senderOf('a', { trusted: true }), to('x', { transient: true }));
    expect([answers, registry.known.has('x')]).toEqual([['m1 sent'], true]);
  });

  it('is refused for now when nobody can say whether the node is known', async () => {
    registry.away = true;
    await send(senderOf('a'), to('b', { transient: true }));
    expect(answers).toEqual(['m1 retry_later']);
  });
});

describe('destinations that are not there yet', () => {
  it.each<[string, Destination]>([
    ['node_unknown', { kind: 'client', clientId: 'c' }],
    ['session_denied', { kind: 'session', sessionId: 's' }],
    ['session_denied', { kind: 'private', sessionId: 's', memberId: 'b' }],
  ])('are answered %s', async (code, destination) => {
    await send(senderOf('a'), to('x', { destination }));
    expect(answers).toEqual([`m1 ${code}`]);
  });
});

const OFFLINE = '{"type":-4,"src_id":"b","id":"m1"}';

async function heard(presence: PresencePolicy, more: Partial<Sender>, owner: string | null): Promise<string[]> {
  await build(presence);
  makeKnown('b', owner);
  const connection = new Connection('a', 'c1');
  await send(senderOf('a', { connection, ...more }), to('b'));
  expect(answers).toEqual(['m1 stored']);
  return connection.frames;
}

describe('word that nobody is there', () => {
  it.each<[PresencePolicy, string, Partial<Sender>, string | null, boolean]>([
    ['client', 'a node of the same client', { clientId: 'me' }, 'me', true],
    ['client', 'a node of another client', { clientId: 'me' }, 'you', false],
    ['client', 'a node of no client', { clientId: null }, null, false],
    ['client', 'a trusted backend', { trusted: true }, 'you', true],
    ['all', 'anybody', {}, null, true],
    ['none', 'a trusted backend', { trusted: true }, null, false],
  ])('by the policy %s: %s', async (presence, _, sender, owner, told) => {
    expect(await heard(presence, sender, owner)).toEqual(told ? [OFFLINE] : []);
  });

  it('comes after the receipt, not for a repeat, and not when somebody is connected anywhere', async () => {
    await build('all');
    makeKnown('b');
    const connection = new Connection('a', 'c1');
    const sender = senderOf('a', { connection });
    directory.rows.push({ nodeId: 'b', connectionId: 'far', serverNodeId: '~sFar', bootId: 'far', since: 0 });
    await send(sender, to('b'));
    expect(connection.frames).toEqual([]);
    directory.rows.length = 0;
    await send(sender, to('b'));
    expect(connection.frames).toEqual([]);
    await send(sender, to('b', { id: 'm2' }));
    expect(connection.frames).toHaveLength(1);
  });

  it('asks the directory once for all messages of a turn', async () => {
    await build('all');
    makeKnown('b');
    const sender = senderOf('a', { connection: new Connection('a', 'c1') });
    for (const id of ['1', '2', '3']) void routing.send(sender, to('b', { id }), note);
    await settled();
    expect(directory.questions).toBe(1);
  });
});

describe('a report', () => {
  it('reaches the connections that the sender has when its message is first acknowledged', async () => {
    makeKnown('b');
    const [one, two] = [await connect('a', 'c1'), await connect('a', 'c2')];
    await send(senderOf('a', { connection: one }), to('b', { report: true }));
    one.frames.length = 0;
    await inbox.acknowledgeNow('b', 1);
    await inbox.acknowledgeNow('b', 1);
    const frame = '{"type":-112,"id":"m1","status":"delivered","dest_id":"b"}';
    expect([one.frames, two.frames]).toEqual([[frame], [frame]]);
  });
});

it('a full heap refuses every message for now, and what follows it to the same destination', async () => {
  makeKnown('b');
  const sender = senderOf('a');
  memory.isCritical = true;
  await send(sender, to('b'));
  await send(sender, to('b', { id: 't', transient: true }));
  memory.isCritical = false;
  await send(sender, to('b', { id: 'm2' }));
  await send(sender, to('b'));
  expect(answers).toEqual(['m1 retry_later', 't retry_later', 'm2 retry_later', 'm1 stored']);
});
