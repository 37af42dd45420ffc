/** Nobody else says this: where it turns up, the input of an attacker did. */
export const CANARY = 'canary-7f3a91';

/** What a filter of a store would take for more than a value. None of them is what any field but a free one takes. */
export const VECTORS: Readonly<Record<string, unknown>> = {
  '{"$gt":""}': { $gt: '' },
  '{"$gt":…}': { $gt: CANARY },
  '{"$gte":0}': { $gte: 0 },
  '{"$ne":null}': { $ne: null },
  '{"$ne":…}': { $ne: CANARY },
  '{"$where":…}': { $where: CANARY },
  '{"$where":"sleep"}': { $where: 'sleep(5000) || true' },
  '{"$in":[…]}': { $in: [CANARY] },
  '{"$nin":[]}': { $nin: [] },
  '{"$exists":true}': { $exists: true },
  '{"$regex":".*"}': { $regex: '.*' },
  '{"$or":[{},…]}': { $or: [{}, { _id: CANARY }] },
  '{"$function":…}': { $function: { body: CANARY, args: [], lang: 'js' } },
  '{"…":1}': { [CANARY]: 1 },
  '{"a.b":…}': { 'a.b': CANARY },
  '[…]': [CANARY],
  '[{"$ne":…}]': [{ $ne: CANARY }],
  '[["$in",…]]': [['$in', CANARY]],
};

/** Keys that stand beside a field, as some parsers would make an operator of them. */
export function keysBeside(field: string): string[] {
  return [`${field}.$ne`, `${field}[$gt]`, `${field}.0`, `${field}$where`];
}

/** Keys of an object that belong to no field. */
export const LOOSE_KEYS: readonly string[] = ['$where', '$or', '$expr', 'a.b', CANARY];

/** What stands in an address instead of `name=1`, as texts that a field of free text takes. */
export function textsOf(name: string): string[] {
  const values = ['{"$gt":""}', `{"$ne":"${CANARY}"}`, `["${CANARY}"]`, '[$in]', '$where', `$where:${CANARY}`];
  return values.map((value) => `${name}=${encodeURIComponent(value)}`);
}

/** … and as names that some parsers would take apart. */
export function namesOf(name: string): string[] {
  const keys = [`${name}[$gt]`, `${name}[]`, `${name}[$in][]`, `${name}[$ne]`, `${name}.$ne`, `${name}[a.b]`];
  return [
    ...keys.map((key) => `${encodeURIComponent(key)}=${CANARY}`),
    ...keys.map((key) => `${key}=1`),
    `${name}=1&${name}=2`,
    `${name}=1&${name}[$gt]=0`,
  ];
}

export const LOOSE_QUERIES: readonly string[] = [
  `$where=${CANARY}`,
  `filter[$gt]=${CANARY}`,
  '[$ne]=1',
  `a.b=${CANARY}`,
];

/** What stands in a path instead of an id. */
export const SEGMENTS: readonly string[] = [
  '{"$gt":""}',
  `{"$ne":"${CANARY}"}`,
  `["${CANARY}"]`,
  '[$ne]',
  '$where',
  `$where=${CANARY}`,
  '{}',
];
