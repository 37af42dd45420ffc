import { describe, expect, it } from 'vitest';
import { settingsOf } from '../config/testing/given.js';
import { StoreUnavailable } from '../modules/inbox/index.js';
import { EXIT } from './exit-codes.js';
import { startFault } from './start-fault.js';

const settings = settingsOf({
  argv: ['--listen-address', '127.0.0.1', '--port', '8080', '--data-dir', '/srv/data'],
  env: { METRICS_ADDRESS: '127.0.0.1:9100', INTERNAL_ADDRESS: '127.0.0.1:9200' },
});

const failed = (message: string, facts: object) => startFault(Object.assign(new Error(message), facts), settings);
const listening = (code: string, port: number, address = '127.0.0.1') =>
  failed(`listen ${code}`, { code, syscall: 'listen', address, port });

describe('a start that failed', () => {
  it('names the port that is taken', () => {
    const fault = listening('EADDRINUSE', 8080);
    expect(fault?.message).toBe(
      'Port 8080 of 127.0.0.1 is in use. Stop what runs there, or choose another: --port 8081',
    );
    expect(fault?.exitCode).toBe(EXIT.unavailable);
    expect(listening('EACCES', 8080)?.message).toContain('Port 8080 of 127.0.0.1 cannot be listened on (EACCES)');
  });

  it('names METRICS_ADDRESS when it is that which is taken', () => {
    const fault = listening('EADDRINUSE', 9100);
    expect(fault?.message).toContain('METRICS_ADDRESS 127.0.0.1:9100 is in use');
    expect(fault?.message).not.toContain('8080');
  });

  it('names INTERNAL_ADDRESS when it is that which is taken', () => {
    const fault = listening('EADDRINUSE', 9200);
    expect(fault?.message).toBe(
      'INTERNAL_ADDRESS 127.0.0.1:9200 is in use. Stop what runs there, or choose another: --internal-address',
    );
  });

  it('names the address that nobody knows', () => {
    const facts = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere.example' };
    expect(failed('getaddrinfo ENOTFOUND nowhere.example', facts)?.message).toContain('(ENOTFOUND)');
  });

  it.each([
    ['EACCES', 'mkdir', '/srv/data'],
    ['EACCES', 'open', '/srv/data/auth.secret'],
    ['ENOTDIR', 'mkdir', '/srv'],
    ['ENOSPC', 'write', '/srv/data/data.mdb'],
  ])('names DATA_DIR for %s of %s %s, and ends with 74', (code, syscall, path) => {
    const fault = failed(`${code}: no`, { code, syscall, path });
    expect(fault?.message).toBe(`DATA_DIR /srv/data cannot be used: ${code}: no`);
    expect(fault?.exitCode).toBe(EXIT.io);
  });

  it('names DATA_DIR for an error of lmdb, and another file as it is', () => {
    expect(failed('Permission denied', { code: 13 })?.message).toContain('DATA_DIR /srv/data');
    const fault = failed('ENOENT: no such file, /etc/cert.pem', {
      code: 'ENOENT',
      syscall: 'open',
      path: '/etc/cert.pem',
    });
    expect(fault?.message).toBe('ENOENT: no such file, /etc/cert.pem');
    expect(fault?.exitCode).toBe(EXIT.io);
  });

  it('says in its own words what the store says', () => {
    const fault = startFault(new StoreUnavailable('nobody answers at h1'), settings);
    expect([fault?.message, fault?.exitCode]).toEqual(['nobody answers at h1', EXIT.unavailable]);
    expect(failed('x is not an Allspark store', { name: 'NotAStore' })?.exitCode).toBe(EXIT.io);
  });

  it('is a fault of ours otherwise', () => {
    expect(startFault(new TypeError('x is not a function'), settings)).toBeUndefined();
  });
});
