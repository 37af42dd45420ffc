import { authKey } from '../clients/auth-key.js';
import { type Ear, Party } from '../harness/party.js';
import { Random } from '../harness/random.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';
import { within } from '../harness/wait.js';
import { Transcript } from './transcript.js';
import type { Seated } from './worlds.js';

const QUIET_MS = 20;
const QUIET_OF_SEVERAL_MS = 250;
const REST_MS = 15_000;
const NAMES = ['owner', 'visitor', 'stranger'] as const;
type Name = (typeof NAMES)[number];
const WAYS = ['heard', 'answered'] as const;

interface Observer {
  readonly party: Party;
  ear: Ear;
  /** Texts that stand in its transcripts, or came before them. */
  readonly taken: { heard: number; answered: number };
}

/** A session with one anonymous seat, those who look at it, and what each of them was told. */
export class Observers {
  /** Of each of them two, by name and way. */
  readonly transcripts = new Map<string, Transcript>();
  private readonly all = new Map<Name, Observer>();
  private readonly random: Random;
  private count = 0;
  private session = '';
  private alias = '~nobody';
  /** Aliases of stays that are over. */
  private readonly former: string[] = ['~never'];

  constructor(
    /** Each observer is at another one than the one before it. */
    private readonly servers: readonly [ServerNode, ...ServerNode[]],
    private readonly seated: Seated,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  private get server(): ServerNode {
    return this.servers[0];
  }

  /** A frame of the moment goes over a link, and nothing tells that it is still on its way. */
  private get quietMs(): number {
    return this.servers.length === 1 ? QUIET_MS : QUIET_OF_SEVERAL_MS;
  }

  async arrive(): Promise<void> {
    for (const [at, name] of NAMES.entries()) {
      const server = this.servers[at % this.servers.length]!;
      const party = new Party({ server, node: name, key: () => authKey(SECRET, name) });
      this.all.set(name, {
        party,
        ear: (await party.open()) as Ear,
        taken: { heard: party.heard.length, answered: party.answered.length },
      });
    }
    const made = await this.of('owner').party.json('POST', '/v1/sessions', { anyone_can_join: true, history: 'all' });
    this.session = String(made['session_id']);
    const known = { [this.session]: 'SESSION' };
    for (const name of NAMES) for (const way of WAYS) this.transcripts.set(`${name} ${way}`, new Transcript(known));
    await this.of('visitor').party.call('POST', this.path('join'), {});
  }

  /** So many steps; the same ones for the same seed, whoever sits in the seat. */
  async play(steps: number): Promise<void> {
    await this.step(() => this.takeSeat());
    for (let at = 0; at < steps; at += 1) await this.step(this.random.pick(this.doings));
  }

  close(): void {
    for (const { ear } of this.all.values()) ear.close();
  }

  private of(name: Name): Observer {
    return this.all.get(name) as Observer;
  }

  private async step(doing: () => Promise<unknown>): Promise<void> {
    await doing();
    await this.settle();
    this.seated.acknowledge();
    // The seat of the other is full now and then.
    await this.acknowledge(this.of('owner'));
    for (const name of NAMES) {
      const { party, taken } = this.of(name);
      for (const way of WAYS) {
        for (const text of party[way].slice(taken[way])) this.transcripts.get(`${name} ${way}`)?.add(text);
        taken[way] = party[way].length;
      }
    }
  }

  private readonly doings: ReadonlyArray<() => Promise<unknown>> = [
    () => this.seated.say({ dest_session_id: this.session, payload: 'to all' }),
    () => this.seated.say({ dest_session_id: this.session, dest_id: 'visitor', payload: 'to one' }),
    () => this.seated.say({ dest_session_id: this.session, transient: true, payload: 'now' }),
    () => this.swapSeat(),
    () => this.speak({ dest_id: this.alias }),
    () => this.speak({ dest_id: this.alias }),
    () => this.speak({ dest_id: this.alias, payload: 'x'.repeat(2_000) }),
    () => this.speak({ dest_id: this.random.pick(this.former) }),
    () => this.speak({ dest_id: this.alias, transient: true }),
    () => this.speak({ dest_id: this.alias, report: ['delivered'] }),
    () => this.speak({}),
    () => this.speak({}),
    () => this.speakToAlias(),
    () => this.get(''),
    () => this.get('messages?before=9999999'),
    () => this.get('messages?after=2&limit=3'),
    () => this.join({ node_id: 'a-node-in-the-north' }),
    () => this.post('unjoin', { node_id: 'south' }),
    () => this.post('unjoin', { alias: this.random.pick(this.former) }),
    () => this.post('reveal', {}),
    () => this.someone().party.call('GET', '/v1/sessions'),
    () => this.someone().party.call('GET', '/v1/inbox?before_seq=9999999&limit=20'),
    () => this.comeBack(),
    () => this.putOut(),
  ];

  private someone(): Observer {
    return this.of(this.random.pick(NAMES));
  }

  /** Its alias is asked for past the ears of the observers. */
  private async takeSeat(): Promise<void> {
    await this.seated.join(this.session);
    const { members } = await this.server.json<{ members: Array<{ alias?: string }> }>('owner', this.path());
    this.alias = members.find(({ alias }) => alias !== undefined)?.alias ?? this.alias;
  }

  private async swapSeat(): Promise<void> {
    await this.seated.leave(this.session);
    this.former.push(this.alias);
    await this.settle();
    await this.takeSeat();
  }

  /** The owner ends the stay by its alias, and it comes back. */
  private async putOut(): Promise<void> {
    await this.of('owner').party.call('POST', this.path('unjoin'), { alias: this.alias });
    this.former.push(this.alias);
    await this.settle();
    await this.takeSeat();
  }

  private async speak(more: object): Promise<void> {
    const { ear, party } = this.someone();
    const id = `${party.node}-${(this.count += 1)}`;
    const frame = { dest_session_id: this.session, id, payload: this.count, ...more };
    if ('transient' in more) ear.say(JSON.stringify(frame));
    else await ear.ask(frame);
  }

  /** Outside of the session an alias is nobody. */
  private async speakToAlias(): Promise<void> {
    const { ear, party } = this.someone();
    await ear.ask({ dest_id: this.alias, id: `${party.node}-${(this.count += 1)}` });
  }

  private get(of: string): Promise<unknown> {
    return this.someone().party.call('GET', this.path(of));
  }

  private post(of: string, body: object): Promise<unknown> {
    return this.someone().party.call('POST', this.path(of), body);
  }

  private async join(body: object): Promise<void> {
    await this.of(this.random.pick(['owner', 'visitor'] as const)).party.call('POST', this.path('join'), body);
  }

  private async comeBack(): Promise<void> {
    const observer = this.someone();
    const { ear, party } = observer;
    await this.acknowledge(observer);
    ear.close();
    await within(REST_MS, () => ear.closed !== undefined, 2);
    observer.ear = (await party.open(`?epoch=${String(ear.hello['epoch'])}&last_seq=${ear.lastSeq}`)) as Ear;
    observer.ear.lastSeq = Math.max(observer.ear.lastSeq, ear.lastSeq);
  }

  /** Until it stands in the inbox: how far that is acknowledged is told to whoever reads it. */
  private async acknowledge({ ear, party }: Observer): Promise<void> {
    ear.acknowledge();
    const isDone = async (): Promise<boolean> => (await this.inbox(party.node)).acked_seq >= ear.lastSeq;
    await within(REST_MS, isDone, 2);
  }

  /** Everybody has what was driven to it, and answers to a sign of life come behind all of it. */
  private async settle(): Promise<void> {
    let [before, since] = ['', performance.now()];
    await within(
      REST_MS,
      async () => {
        const inboxes = await Promise.all(NAMES.map((name) => this.inbox(name)));
        const tails = inboxes.map(({ tail_seq: tail }) => tail);
        const now = tails.join(' ');
        if (now !== before) [before, since] = [now, performance.now()];
        const are = NAMES.every(
          (name, index) => this.of(name).ear.lastSeq >= (tails[index] ?? 0) || tails[index] === 0,
        );
        return are && performance.now() - since >= this.quietMs;
      },
      5,
    );
  }

  /** Asked past its own ears, so that it does not stand in the transcript. */
  private inbox(name: string): Promise<{ tail_seq: number; acked_seq: number }> {
    return this.server.json(name, '/v1/inbox?limit=1');
  }

  private path(of = ''): string {
    return `/v1/sessions/${this.session}${of === '' ? '' : `/${of}`}`;
  }
}
