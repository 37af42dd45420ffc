import type { Hello, InboxPage } from '@allspark/client';
import { describe, expect, it } from 'vitest';
import { variables } from '../config/settings.js';
import { EXIT } from './exit-codes.js';
import { summaryLine } from './inbox.js';
import { statusLine } from './link.js';
import { destinationOf, looksLikeJson, payloadOf, worstOf } from './pub.js';
import { startHelpText } from './start-help.js';
import { byeLine, readyLine } from './sub.js';
import { identityText } from './token.js';

const hello: Hello = {
  nodeId: 'bob',
  clientId: null,
  connectionId: 'x',
  serverNodeId: '~s1',
  epoch: 'e1',
  resumed: false,
  floorSeq: 1,
  tailSeq: 7,
  ackedSeq: 4,
  maxFrameBytes: 65_536,
  window: 256,
  windowBytes: 524_288,
  pingIntervalMs: 25_000,
};

describe('pub', () => {
  it('sends JSON as it is written and other text as a JSON string', () => {
    expect(payloadOf('{"a": 1e400}')).toEqual({ rawPayload: '{"a": 1e400}' });
    expect(payloadOf('42')).toEqual({ rawPayload: '42' });
    expect(payloadOf('hello')).toEqual({ payload: 'hello' });
    expect(payloadOf('')).toEqual({ payload: '' });
  });

  it('takes a text for meant as JSON by its beginning', () => {
    expect(['{bad', ' [1', '"open'].map(looksLikeJson)).toEqual([true, true, true]);
    expect(['hello', '', 'a {b}', '-x'].map(looksLikeJson)).toEqual([false, false, false, false]);
  });

  it('sends to a node, to a client, to a session, or to one member of it', () => {
    expect(destinationOf({ to: 'bob' })).toEqual({ destId: 'bob' });
    expect(destinationOf({ toClient: 'c1' })).toEqual({ destClientId: 'c1' });
    expect(destinationOf({ session: 's1' })).toEqual({ destSessionId: 's1' });
    expect(destinationOf({ session: 's1', member: '~a' })).toEqual({ destSessionId: 's1', destId: '~a' });
  });

  it('ends with the worst of its outcomes', () => {
    expect(worstOf([])).toBe(EXIT.ok);
    expect(worstOf([EXIT.tryLater, EXIT.refused])).toBe(EXIT.refused);
    expect(worstOf([EXIT.refused, EXIT.noPermission, EXIT.tryLater])).toBe(EXIT.noPermission);
  });
});

describe('sub', () => {
  it('says as whom, where, and how many messages wait', () => {
    const call = { url: 'http://localhost:8080' };
    expect(readyLine(hello, call)).toBe(
      'connected to http://localhost:8080 as bob, epoch e1: 3 messages wait. Ctrl-C ends.',
    );
    expect(readyLine({ ...hello, clientId: 'c1', ackedSeq: 6 }, call)).toContain('as bob (client c1)');
    expect(readyLine({ ...hello, ackedSeq: 6 }, call)).toContain('1 message waits');
    expect(readyLine({ ...hello, floorSeq: 7 }, call)).toContain('1 message waits');
    expect(readyLine({ ...hello, resumed: true }, call, { epoch: 'e1', lastSeq: 2 })).toContain('5 messages wait');
  });

  it('says how far it acknowledged when it is interrupted', () => {
    expect(byeLine({ epoch: 'e1', lastSeq: 7 })).toBe('bye, acknowledged up to seq 7');
    expect(byeLine(undefined)).toBe('bye');
  });

  it('tells what becomes of the connection', () => {
    expect(statusLine({ status: 'open', hello }, false)).toBeUndefined();
    expect(statusLine({ status: 'open', hello }, true)).toBe('connected again');
    expect(statusLine({ status: 'reconnecting', delayMs: 200, code: 1006, reason: '' }, true)).toBe(
      'reconnecting in 200 ms (1006, connection lost)',
    );
    const lost = { fromSeq: 1, toSeq: 3 };
    expect(statusLine({ status: 'insufficient_state', epochChanged: false, lost }, true)).toBe(
      'seq 1 to 3 can no longer be read',
    );
  });
});

describe('inbox', () => {
  it('sums up what is there and how to read on', () => {
    const page: InboxPage = {
      messages: [{ kind: 'gone', seq: 5, reason: 'expired', raw: '{}' }],
      epoch: 'e1',
      floorSeq: 1,
      tailSeq: 7,
      ackedSeq: 4,
      complete: false,
    };
    expect(summaryLine(page)).toBe(
      '-- 1 shown, 3 not acknowledged (acked 4, floor 1, tail 7, epoch e1); more behind --after-seq 5',
    );
    expect(summaryLine({ ...page, complete: true })).not.toContain('--after-seq');
  });
});

describe('token verify', () => {
  it('tells whom a key speaks for and how long', () => {
    const identity = { nodeId: 'a', clientId: 'c', role: 'app', issuedAt: 0, expiresAt: 600, kid: 'k1' } as const;
    expect(identityText(identity, 0)).toBe(
      'accepted: node a, client c, role app\nends 1970-01-01T00:10:00.000Z (in 10 minutes), kid k1',
    );
  });
});

describe('start --help', () => {
  it('lists every setting once', () => {
    const flags = startHelpText().match(/^ {2}--[a-z0-9-]+/gm) ?? [];
    expect(flags).toHaveLength(variables.length);
    expect(new Set(flags).size).toBe(variables.length);
  });
});
