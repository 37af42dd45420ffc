import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { RemoteAddress } from './remote-address.js';

function from(remoteAddress: string, forwardedFor?: string): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('the remote address', () => {
  it('is that of the socket, whatever a stranger says', () => {
    expect(new RemoteAddress([]).of(from('192.0.2.1', '10.0.0.1'))).toBe('192.0.2.1');
    expect(new RemoteAddress(['10.0.0.0/8']).of(from('192.0.2.1', '10.0.0.1'))).toBe('192.0.2.1');
  });

  it('is what a trusted proxy says, and only what the nearest ones say', () => {
    const address = new RemoteAddress(['10.0.0.0/8', '::1']);
    expect(address.of(from('10.0.0.1', '203.0.113.9'))).toBe('203.0.113.9');
    expect(address.of(from('::1', '1.1.1.1, 203.0.113.9, 10.2.3.4'))).toBe('203.0.113.9');
  });

  it('is the proxy itself when that says nothing that is an address', () => {
    const address = new RemoteAddress(['10.0.0.1']);
    expect(address.of(from('10.0.0.1'))).toBe('10.0.0.1');
    expect(address.of(from('10.0.0.1', 'unknown'))).toBe('10.0.0.1');
    expect(address.of(from('10.0.0.1', '10.0.0.1'))).toBe('10.0.0.1');
  });

  it('is the same in IPv4 and as IPv4 mapped into IPv6', () => {
    expect(new RemoteAddress([]).of(from('::ffff:192.0.2.1'))).toBe('192.0.2.1');
    expect(new RemoteAddress(['127.0.0.1']).of(from('::ffff:127.0.0.1', '::FFFF:192.0.2.1'))).toBe('192.0.2.1');
  });
});
