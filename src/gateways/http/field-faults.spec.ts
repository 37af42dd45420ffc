import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_FIELD_FAULTS } from '../../protocol/index.js';
import { HttpApp, type Who } from './testing/http-app.js';

interface Fault {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}
interface Told {
  readonly code: string;
  readonly field?: string;
  readonly detail: string;
  readonly fields?: readonly Fault[];
}

const ann: Who = { sub: 'ann' };
const backend: Who = { sub: 'backend', role: 'app' };
let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start();
});
afterAll(() => app.close());

const told = async (by: Who, path: string, body: string): Promise<Told> =>
  (await app.call('post', path, { by, body })).body as Told;
const asked = async (path: string): Promise<Told> => (await app.call('get', path, { by: ann })).body as Told;
const named = ({ fields = [] }: Told): string[] => fields.map(({ field, code }) => `${field} ${code}`);

describe('a body', () => {
  it.each([
    ['one wrong field', '{"type":"party"}', ['type invalid_field']],
    ['a field that is missing', '{"members":[{}]}', ['members.0.node_id invalid_field']],
    [
      'several wrong fields, unknown ones and those further inside too',
      '{"type":"party","notify_limit":-1,"colour":1,"size":2,"members":[{"node_id":"~x"},{"node_id":"b","alias":"b"}]}',
      [
        'type invalid_field',
        'notify_limit invalid_field',
        'members.0.node_id invalid_field',
        'members.1.alias invalid_field',
        'colour unknown_field',
        'size unknown_field',
      ],
    ],
    [
      'keys that no schema sees, beside what the schema finds',
      '{"type":1,"history":"all","history":"all","__proto__":1,"metadata":{"constructor":1}}',
      ['history invalid_field', '__proto__ unknown_field', 'metadata.constructor invalid_field', 'type invalid_field'],
    ],
    ['a key without a name', '{"":1,"type":1}', ['type invalid_field', ' unknown_field']],
  ])('with %s is refused by the names of all', async (_what, body, wanted) => {
    const answer = await told(backend, '/v1/sessions', body);
    expect(named(answer)).toEqual(wanted);
    const [first] = answer.fields!;
    expect(answer).toMatchObject({ field: first!.field, code: first!.code, detail: first!.detail });
  });

  it('of messages says what is wrong around them', async () => {
    expect(named(await told(ann, '/v1/messages', '{"messages":1,"dry_run":true,"dry_run":true}'))).toEqual([
      'dry_run invalid_field',
      'messages invalid_field',
    ]);
  });

  it('names so many wrong fields and no more', async () => {
    const members = JSON.stringify(Array.from({ length: 100 }, () => ({ node_id: '~' })));
    const { fields } = await told(backend, '/v1/sessions', `{"members":${members}}`);
    expect(fields).toHaveLength(MAX_FIELD_FAULTS);
  });

  it('names every field that the caller’s role may not give', async () => {
    expect(named(await told(ann, '/v1/sessions', '{"session_id":"s","members":[]}'))).toEqual([
      'session_id forbidden',
      'members forbidden',
    ]);
  });

  it.each([
    ['bad_json', '{"type":'],
    ['not_an_object', '[]'],
    ['too_deep', `{"metadata":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['too_many_keys', `{${Array.from({ length: 65 }, (_, index) => `"k${index}":1`).join(',')}}`],
  ])('that is %s blames no field', async (code, body) => {
    const answer = await told(backend, '/v1/sessions', body);
    expect(answer.code).toBe(code);
    expect(answer).not.toHaveProperty('field');
    expect(answer).not.toHaveProperty('fields');
  });
});

describe('a query', () => {
  it('is refused by the names of all wrong parameters', async () => {
    const path = '/v1/inbox?colour=1&after_seq=1&after_seq=2&before_seq=x&after_time=-1&limit=5000&size=1';
    expect(named(await asked(path))).toEqual([
      'colour unknown_field',
      'after_seq invalid_field',
      'size unknown_field',
      'before_seq invalid_field',
      'after_time invalid_field',
      'limit invalid_field',
    ]);
  });

  it.each(['0', '1001', 'x', '', '1e3', ' 1'])('with the limit %j blames it once', async (limit) => {
    for (const path of ['/v1/inbox', '/v1/sessions', '/v1/clients/c/messages']) {
      const query = new URLSearchParams({ limit }).toString();
      expect(named(await asked(`${path}?${query}`)), path).toEqual(['limit invalid_field']);
    }
  });
});

describe('a path', () => {
  it('names its wrong parameter', async () => {
    expect(named(await asked('/v1/sessions/~s'))).toEqual(['id invalid_field']);
  });
});
