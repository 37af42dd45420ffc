/** Who is told that a node is offline: nodes of the same client and apps, everybody, nobody. */
export type PresencePolicy = 'client' | 'all' | 'none';

export abstract class RoutingSettings {
  abstract readonly presence: PresencePolicy;
  /** Any sender, not only an app, may address a node that nobody has seen yet; it is known from then on. */
  abstract readonly allowUnknownDestinations: boolean;
  /** How long (ms) the first message that failed for now may stay away. */
  abstract readonly failStopMs: number;
  /** How many messages that failed for now one sender may owe. */
  abstract readonly failStopMessages: number;
}
