import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Heartbeat } from './heartbeat.js';

const SETTINGS = { pingIntervalMs: 25_000, pingJitterFraction: 0.1, pongTimeoutMs: 10_000, outboundPauseBytes: 1_000 };
const LATEST_PING_MS = 27_500;

function watched() {
  const clock = new ManualClock();
  const peer = {
    pings: 0,
    isLost: false,
    isOwing: false,
    isExcused: false,
    ping(): void {
      peer.pings += 1;
    },
    excused: (_at: number): boolean => peer.isExcused,
    lost(owing: boolean): void {
      peer.isLost = true;
      peer.isOwing = owing;
    },
  };
  return { clock, peer, heartbeat: new Heartbeat(clock, SETTINGS, peer) };
}

describe('a heartbeat', () => {
  it('asks within the interval and its jitter', () => {
    const { clock, peer } = watched();
    clock.advance(22_499);
    expect(peer.pings).toBe(0);
    clock.advance(LATEST_PING_MS - 22_499);
    expect(peer.pings).toBe(1);
  });

  it('gives up a peer that sends nothing in time', () => {
    const { clock, peer } = watched();
    clock.advance(LATEST_PING_MS);
    expect(peer.isLost).toBe(false);
    clock.advance(10_000);
    expect(peer.isLost).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('takes anything that comes for an answer, and asks again later', () => {
    const { clock, peer, heartbeat } = watched();
    for (let round = 1; round <= 3; round += 1) {
      while (peer.pings < round) clock.advance(100);
      heartbeat.heard();
      clock.advance(10_000);
    }
    expect(peer.isLost).toBe(false);
  });

  it('waits once more while the silence may be its own fault', () => {
    const { clock, peer } = watched();
    peer.isExcused = true;
    clock.advance(LATEST_PING_MS + 60_000);
    expect(peer.isLost).toBe(false);
    peer.isExcused = false;
    clock.advance(10_000);
    expect(peer.isLost).toBe(true);
  });

  it('asks a peer early that was sent much and says nothing, and loses it as a slow one', () => {
    const { clock, peer, heartbeat } = watched();
    clock.advance(1_000);
    heartbeat.told(1_000);
    clock.advance(9_000);
    expect(peer.pings).toBe(1);
    clock.advance(10_000);
    expect([peer.isLost, peer.isOwing]).toEqual([true, true]);
  });

  it('does not take a peer for slow that was sent little, or says something now and then', () => {
    const { clock, peer, heartbeat } = watched();
    heartbeat.told(1_000);
    heartbeat.heard();
    heartbeat.told(999);
    clock.advance(22_000);
    expect(peer.pings).toBe(0);
    clock.advance(LATEST_PING_MS - 22_000 + 10_000);
    expect([peer.isLost, peer.isOwing]).toEqual([true, false]);
  });

  it('leaves no timer when it is stopped', () => {
    const { clock, heartbeat } = watched();
    heartbeat.stop();
    expect(clock.waiting).toBe(0);
  });
});
