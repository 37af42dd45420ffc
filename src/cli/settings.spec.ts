import { describe, expect, it } from 'vitest';
import { separate, wordsUpTo } from './settings.js';

describe('separate', () => {
  it('tells settings from words in any order', () => {
    const words = ['{"n":1}'];
    const flags = ['--data-dir', 'x', '--port=8081'];
    expect(separate([...words, ...flags])).toEqual({ words, flags });
    expect(separate([...flags, ...words])).toEqual({ words, flags });
    expect(separate(['--data-dir', 'x', ...words, '--port=8081'])).toEqual({ words, flags });
  });

  it('leaves the word behind a switch alone, unless it says on or off', () => {
    expect(separate(['--force', 'hi'])).toEqual({ flags: ['--force'], words: ['hi'] });
    expect(separate(['--force', 'True', 'hi'])).toEqual({ flags: ['--force', 'True'], words: ['hi'] });
  });

  it('understands underscores and capitals as start does', () => {
    expect(separate(['--DATA_DIR', 'x', 'hi'])).toEqual({ flags: ['--DATA_DIR', 'x'], words: ['hi'] });
  });

  it('takes everything behind -- as words', () => {
    expect(separate(['--port', '1', '--', '--force', '-x'])).toEqual({
      flags: ['--port', '1'],
      words: ['--force', '-x'],
    });
  });

  it('takes a negative number as a word and names an option that does not exist', () => {
    expect(separate(['-5'])).toEqual({ flags: [], words: ['-5'] });
    expect(() => separate(['-x'])).toThrow('no option -x');
    expect(() => separate(['--tto', 'bob'])).toThrow('no option or setting --tto');
  });
});

describe('wordsUpTo', () => {
  it('refuses a word too many', () => {
    expect(() => wordsUpTo(1, ['two', 'words'])).toThrow('one word too many: "words"');
  });
});
