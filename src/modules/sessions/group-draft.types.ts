import type { Refusal } from '../../protocol/index.js';
import type { Draft } from '../inbox/index.js';
import type { Entry } from './group-entry.js';
import type { GroupState } from './group-state.js';

/** Something that shall happen in a group: what becomes of it is decided at the tail that it would follow. */
export interface GroupDraft extends Draft {
  /** The entry that it makes of this state, or why it may not be. Must not change the state. */
  decide(state: GroupState): Entry | Refusal;
  /** Whether it may be the group's first entry; else what is answered where there is no such group. */
  readonly absent: 'created' | Refusal;
}
