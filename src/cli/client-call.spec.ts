import { AllsparkError } from '@allspark/client';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../config/testing/given.js';
import { callFault, exitCodeOf, refusalText, serverUrl, type ClientCall } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { CliFault } from './fault.js';

const call: ClientCall = { url: 'http://localhost:8080', authKey: 'k', words: [], signedWith: './data/auth.secret' };
const refusal = (code: string, more: object = {}) => new AllsparkError({ code, reason: 'because', ...more });

describe('serverUrl', () => {
  it('is --url, else PUBLIC_URL, else host and port of the settings', () => {
    const settings = settingsOf({ argv: ['--port', '8081'] });
    expect(serverUrl('https://a.example/x/', settings)).toBe('https://a.example/x');
    expect(serverUrl(undefined, settings)).toBe('http://localhost:8081');
    const behindProxy = settingsOf({ env: { PUBLIC_URL: 'https://b.example/' } });
    expect(serverUrl(undefined, behindProxy)).toBe('https://b.example');
  });

  it('asks for --url when the port is any free one, and refuses what is no address', () => {
    expect(() => serverUrl(undefined, settingsOf({ argv: ['--port', '0'] }))).toThrow('--url');
    expect(() => serverUrl('localhost:8080', settingsOf({}))).toThrow('wanted an http://');
  });
});

describe('exitCodeOf', () => {
  it.each([
    [refusal('unauthorized', { status: 401 }), EXIT.noPermission],
    [refusal('forbidden'), EXIT.noPermission],
    [refusal('retry_later', { retryAfterMs: 100 }), EXIT.tryLater],
    [refusal('a_new_code', { status: 503 }), EXIT.tryLater],
    [refusal('closed'), EXIT.unavailable],
    [refusal('node_unknown'), EXIT.refused],
    [refusal('a_new_code', { status: 409 }), EXIT.refused],
  ])('%s ends with %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('refusalText', () => {
  it('names code, reason and field', () => {
    expect(refusalText(refusal('invalid_field', { field: 'type' }))).toBe('invalid_field: because (field type)');
    expect(refusalText(refusal('inbox_full'))).toBe('inbox_full: because');
  });
});

describe('callFault', () => {
  it('says which secret signed a key that is not accepted', () => {
    const fault = callFault(refusal('unauthorized', { status: 401 }), call) as CliFault;
    expect(fault.advice.join('\n')).toContain('./data/auth.secret');
  });

  it('names the address where nothing answers, and why', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const fault = callFault(new TypeError('fetch failed', { cause }), call) as CliFault;
    expect(fault).toMatchObject({ exitCode: EXIT.unavailable });
    expect(fault.message).toBe('no server answers at http://localhost:8080 (ECONNREFUSED)');
  });

  it('leaves an error of ours as it is', () => {
    const error = new TypeError('x is not a function');
    expect(callFault(error, call)).toBe(error);
  });
});
