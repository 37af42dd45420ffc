import { readJournals, of } from '../checker/index.js';
import { Random } from '../harness/random.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { Seat } from '../harness/seat.js';
import type { ServerNode } from '../harness/server-node.js';
import { APP, call, SessionCalls } from '../harness/session-calls.js';
import { FAMILIES } from '../harness/stores.js';
import { stageOf } from '../harness/stage.js';
import { pause, within } from '../harness/wait.js';

const MEMBERS = 10;
const STRANGERS = 2;
/** Of each node; all that it does, it does on both at the same time. */
const CONNECTIONS = 2;
const SETTINGS = { RATE_PER_SECOND: '0', HTTP_RATE_PER_SECOND: '0' };
const REST_MS = 60_000;
/** A second process may learn of a row by its poll only, and take up an open entry as late. */
const QUIET_MS = { alone: 1_500, several: 7_000 } as const;
const RETRY_MS = 50;

type Doing = 'speak' | 'whisper' | 'join' | 'leave' | 'reveal' | 'read' | 'seat another' | 'take another out';
const WEIGHTS: Readonly<Record<Doing, number>> = {
  speak: 50,
  whisper: 12,
  join: 14,
  leave: 12,
  reveal: 4,
  read: 3,
  'seat another': 2,
  'take another out': 3,
};

/** One group of ten on one or two server nodes, and what all do to it. */
class Crowd {
  readonly members: string[];
  readonly strangers: string[];
  readonly seats = new Map<string, Seat[]>();
  private readonly calls: SessionCalls;
  /** What somebody was known by when it was last seen to come. */
  private readonly names = new Map<string, string>();
  private count = 0;
  group = '';
  done = 0;
  read = 0;
  /** Answers that nobody may get. */
  readonly wrongs: string[] = [];

  constructor(
    private readonly scene: Scene,
    private readonly servers: readonly ServerNode[],
  ) {
    const nodes = (kind: string, many: number): string[] =>
      Array.from({ length: many }, (_none, index) => `${kind}-${servers.length}-${index + 1}`);
    this.members = nodes('member', MEMBERS);
    this.strangers = nodes('stranger', STRANGERS);
    this.calls = new SessionCalls((entry) => scene.write(entry));
  }

  private get seatsEach(): number {
    return Math.max(CONNECTIONS, this.servers.length);
  }

  get nodes(): string[] {
    return [...this.members, ...this.strangers];
  }

  async open(): Promise<void> {
    for (const node of this.nodes) {
      const seats = this.servers.flatMap((server) => Array.from({ length: CONNECTIONS }, () => server));
      this.seats.set(node, await Promise.all(seats.slice(0, this.seatsEach).map((_none, at) => this.seat(node, at))));
    }
    this.group = await this.calls.create(this.servers[0]!, APP, { anyone_can_join: true });
  }

  private seat(node: string, at: number): Promise<Seat> {
    const server = this.servers[at % this.servers.length]!;
    const write = this.scene.write.bind(this.scene);
    return Seat.open({ url: server.directUrl, key: server.key(node), node, name: `c${at + 1}`, write });
  }

  /** All that so many doings together are, each connection one after the other. */
  async doAll(most: number): Promise<void> {
    const lanes = this.nodes.flatMap((node) => (this.seats.get(node) ?? []).map((seat) => this.live(seat, most)));
    await Promise.all(lanes);
  }

  private async live(seat: Seat, most: number): Promise<void> {
    const random = new Random(this.scene.random.int(0, 2 ** 31));
    const isStranger = this.strangers.includes(seat.node);
    while (this.done < most) {
      this.done += 1;
      await (isStranger ? this.intrude(seat, random) : this.doOne(seat, random));
    }
  }

  private async doOne(seat: Seat, random: Random): Promise<void> {
    const { node } = seat;
    const server = random.pick(this.servers);
    switch (picked(random)) {
      case 'speak':
        return this.speak(seat);
      case 'whisper':
        return this.whisper(seat, random);
      case 'join':
        return this.join(server, node, node, random);
      case 'leave':
        await this.calls.leave(server, { node }, this.group, node, {});
        return;
      case 'reveal':
        await call(server, { node }, `/v1/sessions/${this.group}/reveal`, {});
        return;
      case 'read':
        await call(server, { node }, `/v1/sessions/${this.group}/messages?before=${2 ** 40}&limit=20`);
        return;
      case 'seat another':
        return this.join(server, APP.node, random.pick(this.members), random);
      case 'take another out': {
        const other = random.pick(this.members);
        await this.calls.leave(server, APP, this.group, other, { node_id: other });
      }
    }
  }

  private async intrude(seat: Seat, random: Random): Promise<void> {
    const server = random.pick(this.servers);
    if (random.int(0, 2) > 0) return this.speak(seat);
    const { status } = await call(server, { node: seat.node }, `/v1/sessions/${this.group}/messages`);
    this.read += 1;
    if (status !== 403) this.wrongs.push(`a stranger read the session: ${status}`);
  }

  private async speak(seat: Seat, to?: { name: string; node: string }): Promise<void> {
    const id = `w${this.servers.length}-${(this.count += 1)}`;
    const answer = await seat.speak({ group: this.group, id, payload: `"${id} of ${seat.node}"`, ...(to && { to }) });
    if (answer['retry_after_ms'] !== undefined) await this.again(seat, id, to);
  }

  /** What was refused for now goes out until there is an answer: all behind it on that connection waits for it. */
  private async again(seat: Seat, id: string, to?: { name: string; node: string }): Promise<void> {
    const speech = { group: this.group, id, payload: `"${id} of ${seat.node}"`, ...(to && { to }) };
    const isDone = async (): Promise<boolean> => (await seat.speak(speech))['retry_after_ms'] === undefined;
    if (!(await within(REST_MS, isDone, RETRY_MS))) this.wrongs.push(`${id} was refused for a minute`);
  }

  private async whisper(seat: Seat, random: Random): Promise<void> {
    const [node, name] = random.pick([...this.names, [seat.node, seat.node]]);
    return this.speak(seat, { name, node });
  }

  private async join(server: ServerNode, by: string, node: string, random: Random): Promise<void> {
    const isApp = by === APP.node;
    const asked = { ...(random.int(0, 1) === 1 && { anonymous: true }), ...(isApp && { node_id: node }) };
    const answer = await this.calls.join(server, isApp ? APP : { node }, this.group, node, asked);
    if (answer.status === 200) this.names.set(node, answer.body.member?.alias ?? node);
  }

  /** Whether nothing is on its way to anybody any more. */
  async rest(): Promise<boolean> {
    const quiet = this.servers.length === 1 ? QUIET_MS.alone : QUIET_MS.several;
    let [since, last] = [performance.now(), ''];
    return within(REST_MS, async () => {
      const tails = await Promise.all(this.nodes.map((node) => this.tail(node)));
      const at = tails.join(' ');
      if (at !== last) [since, last] = [performance.now(), at];
      const areThere = this.nodes.every((node, index) =>
        (this.seats.get(node) ?? []).every(({ position }) => position >= (tails[index] ?? 0)),
      );
      return areThere && performance.now() - since > quiet;
    });
  }

  private async tail(node: string): Promise<number> {
    return Number((await call(this.servers[0]!, { node }, '/v1/inbox?limit=1')).body['tail_seq']);
  }

  close(): void {
    for (const seat of [...this.seats.values()].flat()) {
      seat.rest();
      seat.close();
    }
  }
}

function picked(random: Random): Doing {
  const all = Object.entries(WEIGHTS) as Array<[Doing, number]>;
  let left = random.int(
    1,
    all.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [doing, weight] of all) if ((left -= weight) <= 0) return doing;
  return 'speak';
}

async function play(scene: Scene, servers: readonly ServerNode[], doings: number): Promise<void> {
  const { report } = scene;
  const crowd = new Crowd(scene, servers);
  await crowd.open();
  await crowd.doAll(doings);
  report.holdsThat(`all at rest within 60 s on ${servers.length}`, await crowd.rest());
  crowd.close();
  await pause(200);
  await scene.rest(servers[0]!, crowd.nodes);
  report.count(crowd.done, `doings on ${servers.length}`);
  report.shortcomings.push(...crowd.wrongs.slice(0, 5));
}

export const f27: Row = {
  id: 'F27',
  title: 'membership races',
  families: FAMILIES,
  short: true,
  async run(scene) {
    const { short } = scene;
    const first = await scene.server(SETTINGS);
    await play(scene, [first], short ? 1_000 : 10_000);
    const second = await scene.server(SETTINGS);
    await play(scene, [first, second], short ? 500 : 5_000);
    await tell(scene, short ? 150 : 1_500);
  },
};

export const f27ofThree: Row = {
  id: 'F27.3',
  title: 'membership races at three server nodes',
  families: FAMILIES,
  short: false,
  async run(scene) {
    const { short } = scene;
    const { servers } = await stageOf(scene, 3, SETTINGS);
    await play(scene, servers, short ? 800 : 10_000);
    await tell(scene, short ? 80 : 1_000);
  },
};

/** How many of the doings were messages that a member sent is chance: a tenth of them has to be. */
async function tell(scene: Scene, least: number): Promise<void> {
  const { report } = scene;
  await scene.judge();
  const journal = readJournals(scene.flushed());
  const inGroup = of(journal, 'received').filter(({ group, reader }) => group && !reader.endsWith('/final'));
  report.count(of(journal, 'confirmed').length, 'stored');
  report.count(of(journal, 'refused').filter(({ code }) => code === 'session_denied').length, 'denied');
  report.count(of(journal, 'joined').length + of(journal, 'left').length, 'joins and leaves');
  report.count(inGroup.length, 'heard');
  report.atLeast('stored', of(journal, 'confirmed').length, least);
}
