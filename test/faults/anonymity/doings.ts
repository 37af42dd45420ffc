import type { Frame } from '../harness/dialogue.js';
import type { Ear, Party } from '../harness/party.js';
import type { Random } from '../harness/random.js';
import type { Hidden, Masquerade, Named } from './masquerade.js';
import type { SessionsOfMasks } from './sessions-of-masks.js';

/** One random thing that somebody does, refusals and nonsense included. */
type Doing<T> = (who: T, ear: Ear, session: string) => unknown;

const MESSAGE_FIELDS: readonly object[] = [
  {},
  { type: 7 },
  { transient: true },
  { transient: true, type: 3 },
  { report: ['delivered'] },
  { type: 100 },
  { src_id: 'somebody' },
  { unknown: 1 },
  { payload2: [1, 2] },
  { payload1: 'x'.repeat(70_000) },
];

export class Doings {
  private count = 0;

  constructor(
    private readonly masks: Masquerade,
    private readonly sessions: SessionsOfMasks,
    private readonly random: Random,
  ) {}

  async ofHidden(who: Hidden, ear: Ear): Promise<void> {
    await this.random.pick(this.hiddenDoings)(who, ear, this.sessions.any(this.random));
  }

  async ofOther(who: Named, ear: Ear): Promise<void> {
    const all = who.role === 'node' ? this.common : [...this.common, ...this.backendDoings];
    await this.random.pick(all)(who.party, ear, this.sessions.any(this.random));
  }

  private readonly hiddenDoings: ReadonlyArray<Doing<Hidden>> = [
    (who, ear, session) => this.speak(who.party, ear, session, this.idOf(who)),
    (who, ear, session) => this.speak(who.party, ear, session, this.idOf(who)),
    (who, ear, session) => this.whisper(who.party, ear, session, this.idOf(who)),
    (who, _ear, session) => this.byRest(who.party, session, this.idOf(who)),
    (who, _ear, session) => this.join(who.party, session, { anonymous: true }),
    (who, _ear, session) => this.join(who.party, session, { anonymous: true }),
    (who, _ear, session) => this.random.int(0, 1) === 0 && who.party.call('POST', path(session, 'unjoin'), {}),
    (who, ear, session) => this.look(who.party, ear, session),
    (who, ear) => this.again(who.party, ear),
    (who, ear) => this.mumble(ear),
    (who, ear) => this.speakOpenly(who, ear),
    (who) => who.party.call('POST', '/v1/pre-connections', { session_id: this.sessions.any(this.random) }),
    (who) => this.create(who),
    // Its own are ended now and then, and others' not.
    (who, _ear, session) => this.random.int(0, 9) === 0 && who.party.call('DELETE', path(session)),
  ];

  private readonly common: ReadonlyArray<Doing<Party>> = [
    (who, ear, session) => this.speak(who, ear, session, this.id(who)),
    (who, ear, session) => this.speak(who, ear, session, this.id(who)),
    (who, ear, session) => this.whisper(who, ear, session, this.id(who)),
    (who, ear, session) => this.whisper(who, ear, session, this.id(who)),
    (who, _ear, session) => this.byRest(who, session, this.id(who)),
    (who, ear, session) => this.look(who, ear, session),
    (who, ear, session) => this.look(who, ear, session),
    (who, _ear, session) => this.join(who, session, who.node.startsWith('revealing') ? { anonymous: true } : {}),
    (who, _ear, session) => this.random.int(0, 3) === 0 && who.call('POST', path(session, 'unjoin'), {}),
    (who, _ear, session) => who.call('POST', path(session, 'reveal'), {}),
    (who, _ear, session) => this.takeOut(who, session),
    (who, _ear, session) =>
      who.call('POST', path(session, 'join'), { node_id: this.random.pick(this.masks.visible).party.node }),
    (who, ear) => this.again(who, ear),
    (_who, ear) => this.mumble(ear),
    (who, ear) => ear.ask({ dest_id: this.random.pick(this.masks.others).party.node, id: this.id(who) }),
    (who, ear, session) => ear.ask({ dest_id: this.sessions.aliasOf(session, this.random), id: this.id(who) }),
  ];

  private readonly backendDoings: ReadonlyArray<Doing<Party>> = [
    (who) => who.call('GET', '/metrics'),
    (who) => who.call('GET', `/v1/nodes/${this.random.pick(this.masks.hidden).name}`),
    (who) =>
      this.random.int(0, 3) === 0 &&
      who.call('DELETE', `/v1/nodes/${this.random.pick(this.masks.hidden).name}/connections`),
  ];

  private speak(_who: Party, ear: Ear, session: string, id: string): Promise<unknown> {
    return this.send(ear, { dest_session_id: session, id, payload: this.count });
  }

  private whisper(_who: Party, ear: Ear, session: string, id: string): Promise<unknown> {
    const to =
      this.random.int(0, 3) === 0
        ? this.random.pick(this.masks.others).party.node
        : this.sessions.aliasOf(session, this.random);
    return this.send(ear, { dest_session_id: session, dest_id: to, id, payload: 'psst' });
  }

  /** What is transient is not answered: a sign of life behind it is. */
  private async send(ear: Ear, message: Frame & { id: string }): Promise<void> {
    const frame = { ...message, ...this.random.pick(MESSAGE_FIELDS) };
    if (!('transient' in frame)) await ear.ask(frame);
    else {
      ear.say(JSON.stringify(frame));
      await ear.alive(`alive-${(this.count += 1)}`);
    }
  }

  private byRest(who: Party, session: string, id: string): Promise<unknown> {
    const frame = { dest_session_id: session, id, payload: 'by rest', ...this.random.pick(MESSAGE_FIELDS) };
    const other = { dest_session_id: session, dest_id: this.sessions.aliasOf(session, this.random), payload: 1 };
    return who.call('POST', '/v1/messages', { messages: [frame, other] });
  }

  private async join(who: Party, session: string, asked: object): Promise<void> {
    await who.call('POST', path(session, 'join'), asked);
  }

  /** All that can be read. */
  private async look(who: Party, ear: Ear, session: string): Promise<void> {
    const { status, text } = await who.call('GET', path(session));
    if (status === 200) this.sessions.saw(text);
    const bounds = this.random.pick(['', '?before=99999999', '?after=3&limit=5', '?limit=oops']);
    await who.call('GET', path(session, `messages${bounds}`));
    if (this.random.int(0, 2) === 0) await who.call('GET', '/v1/sessions');
    if (this.random.int(0, 2) === 0) await who.call('GET', '/v1/inbox?before_seq=999999999&limit=50');
    ear.say(JSON.stringify({ type: -101, id: `f${this.count}`, payload: { fetch_inbox: { limit: 20 } } }));
  }

  private takeOut(who: Party, session: string): Promise<unknown> {
    const alias = this.sessions.aliasOf(session, this.random);
    const whom = this.random.int(0, 1) === 0 ? { alias } : { node_id: this.random.pick(this.masks.visible).party.node };
    return who.call('POST', path(session, 'unjoin'), whom);
  }

  /** Comes back, by resuming or not. */
  private async again(who: Party, ear: Ear): Promise<void> {
    ear.acknowledge();
    if (this.random.int(0, 2) > 0) return;
    const epoch = String(ear.hello['epoch']);
    ear.close();
    const query = this.random.pick([
      '',
      `?epoch=${epoch}&last_seq=${ear.lastSeq}`,
      `?epoch=${epoch}&last_seq=99999999`,
      '?epoch=x',
    ]);
    await who.open(query);
  }

  private async mumble(ear: Ear): Promise<void> {
    ear.say(
      this.random.pick([
        '{"type":-111,"seq":123456}',
        '{"dest_session_id":3}',
        '[]',
        '{"type":-120}',
        '{}',
        '{"dest_id":"~x"',
      ]),
    );
  }

  private speakOpenly(who: Hidden, ear: Ear): Promise<unknown> {
    return ear.ask({ dest_session_id: who.open, id: `open-${(this.count += 1)}`, payload: 'as myself' });
  }

  private async create(who: Hidden): Promise<void> {
    const key = { 'idempotency-key': who.idPrefix };
    await this.sessions.create(who.party, { anyone_can_join: true, anonymous: true }, key);
  }

  private idOf({ idPrefix }: Hidden): string {
    return `${idPrefix}-${(this.count += 1)}`;
  }

  private id({ node }: Party): string {
    return `${node}-${(this.count += 1)}`;
  }
}

function path(session: string, of?: string): string {
  return `/v1/sessions/${session}${of === undefined ? '' : `/${of}`}`;
}
