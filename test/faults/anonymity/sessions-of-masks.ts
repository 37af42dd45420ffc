import type { Party } from '../harness/party.js';
import type { Random } from '../harness/random.js';
import type { Masquerade } from './masquerade.js';

const MOST = 12;

interface View {
  readonly session_id: string;
  readonly members?: ReadonlyArray<{ readonly node_id?: string; readonly alias?: string }>;
}

/** The sessions of a masquerade, and the aliases that were ever seen in them by those who are not entitled to more. */
export class SessionsOfMasks {
  readonly hidden: string[] = [];
  readonly aliases = new Map<string, Set<string>>();

  constructor(private readonly masks: Masquerade) {}

  /** In these nobody knows the hidden ones; in one more for each of them everybody does. */
  async make(): Promise<void> {
    const { hidden, visible, app, friends } = this.masks;
    await this.create(visible[0]!.party, { anyone_can_join: true });
    await this.create(app.party, { anyone_can_join: true, history: 'all' });
    await this.create(app.party, { anyone_can_join: true, type: 'game', master_node_id: visible[1]!.party.node });
    await this.create(hidden[0]!.party, { anyone_can_join: true, anonymous: true });
    await this.create(hidden[1]!.party, { anyone_can_join: true, anonymous: true, type: 'game' });
    for (const one of hidden) {
      const made = await friends[0]!.party.json<View>('POST', '/v1/sessions', { anyone_can_join: true });
      one.open = made.session_id;
      for (const { party } of [one, friends[1]!]) await party.call('POST', `/v1/sessions/${one.open}/join`, {});
    }
  }

  async create(party: Party, asked: object, headers: Record<string, string> = {}): Promise<void> {
    if (this.hidden.length >= MOST) return;
    const { status, text } = await party.call('POST', '/v1/sessions', asked, headers);
    if (status === 201) this.keep(JSON.parse(text) as View);
  }

  any(random: Random): string {
    return random.pick(this.hidden);
  }

  /** Takes note of the aliases that a view shows. */
  saw(text: string): void {
    const view = JSON.parse(text) as View;
    for (const { alias } of view.members ?? []) if (alias !== undefined) this.known(view.session_id).add(alias);
  }

  /** An alias of the session, of one who is there or was; of none yet: something like it. */
  aliasOf(sessionId: string, random: Random): string {
    const all = [...this.known(sessionId)];
    return all.length === 0 ? '~nobody' : random.pick(all);
  }

  /** An alias that stands in two sessions, if there is one. */
  reused(): string | undefined {
    const seen = new Set<string>();
    return [...this.aliases.values()]
      .flatMap((aliases) => [...aliases])
      .find((alias) => seen.size === seen.add(alias).size);
  }

  private keep(view: View): void {
    if (this.hidden.includes(view.session_id)) return;
    this.hidden.push(view.session_id);
  }

  private known(sessionId: string): Set<string> {
    const known = this.aliases.get(sessionId) ?? new Set<string>();
    this.aliases.set(sessionId, known);
    return known;
  }
}
