import { describe, expect, it } from 'vitest';
import { newServerNodeId, newSessionId, randomId } from './ids.js';

describe('an id that must not be guessed', () => {
  it('is 22 url-safe characters and never the same twice', () => {
    const ids = Array.from({ length: 2_000 }, randomId);
    expect(new Set(ids).size).toBe(2_000);
    expect(ids.filter((id) => !/^[A-Za-z0-9_-]{22}$/.test(id))).toEqual([]);
  });

  it('of a session begins with a letter, which no command line takes for a flag', () => {
    expect(newSessionId()).toMatch(/^s[A-Za-z0-9_-]{22}$/);
  });

  it('of a server node cannot be an id that an application chose', () => {
    expect(newServerNodeId()).toMatch(/^~s[A-Za-z0-9_-]{22}$/);
  });
});
