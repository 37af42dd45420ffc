/**
 * The closed catalogue of refusals that HTTP and the websocket share: code → HTTP status and the plain meaning.
 * Whether a refusal may be tried again is a property of its status: 429 and 503 carry `retry_after_ms`, no other does.
 */
export const REFUSALS = {
  bad_json: { status: 400, title: 'The text is not JSON' },
  not_an_object: { status: 400, title: 'The JSON is not an object' },
  too_deep: { status: 400, title: 'The JSON is nested too deeply' },
  too_many_keys: { status: 400, title: 'The object has too many keys' },
  unknown_field: { status: 400, title: 'There is no such field' },
  invalid_field: { status: 400, title: 'A field has a value that it cannot have' },
  reserved_field: { status: 400, title: 'Only the server sets this field' },
  reserved_type: { status: 400, title: 'Only the server sends this type' },
  bad_destination: { status: 400, title: 'Exactly one destination is needed' },
  bad_handshake: { status: 400, title: 'The handshake is malformed' },
  unauthorized: { status: 401, title: 'A valid key is needed' },
  forbidden: { status: 403, title: 'The key does not allow this' },
  session_denied: { status: 403, title: 'Not a member, or no such session' },
  origin_refused: { status: 403, title: 'This origin may not connect' },
  anonymous_present: { status: 403, title: 'The session has an anonymous member' },
  not_found: { status: 404, title: 'There is nothing here' },
  node_unknown: { status: 404, title: 'That node or client is not known' },
  member_unknown: { status: 404, title: 'That member is not known' },
  session_unknown: { status: 404, title: 'That session is not known' },
  method_not_allowed: { status: 405, title: 'This path does not take the method' },
  session_exists: { status: 409, title: 'The session exists already' },
  id_conflict: { status: 409, title: 'The id was used with other content' },
  inbox_full: { status: 409, title: 'The inbox of the receiver is full' },
  alias_taken: { status: 409, title: 'The alias is taken' },
  epoch_changed: { status: 409, title: 'The epoch is another one' },
  no_master: { status: 409, title: 'The game has no master' },
  too_many_members: { status: 409, title: 'There are too many members' },
  too_large: { status: 413, title: 'Too large' },
  unsupported_media_type: { status: 415, title: 'JSON is wanted' },
  upgrade_required: { status: 426, title: 'A websocket upgrade is wanted' },
  rate_limited: { status: 429, title: 'Too many messages or calls' },
  too_many_connections: { status: 429, title: 'Too many connections' },
  retry_later: { status: 503, title: 'Not now, try again' },
  no_server_node: { status: 503, title: 'No server node can take a connection' },
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** Whether a refusal with this code invites the sender to try the same again. */
export function isRetryable(code: RefusalCode): boolean {
  const { status } = REFUSALS[code];
  return status === 429 || status === 503;
}
