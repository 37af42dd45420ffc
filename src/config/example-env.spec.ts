import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderExampleEnv } from './example-env.js';
import { loadConfig } from './load-config.js';
import { variables } from './settings.js';
import { NO_NUMBER } from './variable.js';

const path = fileURLToPath(new URL('../../config/example.env', import.meta.url));
const sample = readFileSync(path, 'utf8');
const uncommented = sample.replaceAll(/^#(?=[A-Z])/gm, '');

const load = (content: string) => loadConfig({ env: { CONFIG_FILE: 'example.env' }, readFile: () => content });

describe('config/example.env', () => {
  it('names every variable of the schema once, and no other, each with its default', () => {
    const settings = [...sample.matchAll(/^#([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    expect(settings).toEqual(variables.map(({ name, fallback }) => [name, fallback ?? '']));
  });

  it('says of each variable what it is, its unit and what zero means, if anything, on the line above', () => {
    for (const { name, about, unit, zero } of variables) {
      const line = sample.split(`\n#${name}=`)[0]?.split('\n').at(-1);
      expect(line, name).toMatch(/^# /);
      expect(line, name).toContain(about);
      expect(line, name).toContain(`unit: ${unit}`);
      if (zero === NO_NUMBER) expect(line, name).not.toContain('zero:');
      else expect(line, name).toContain(`; zero: ${zero}`);
    }
  });

  it('is the text that the schema renders (npx vitest run src/config/example-env.spec.ts -u writes it)', async () => {
    await expect(renderExampleEnv()).toMatchFileSnapshot(path);
  });

  it('loads as CONFIG_FILE without a fault, as it is and with every line in force', () => {
    expect(load(sample)).toMatchObject({ ok: true });
    expect(load(uncommented)).toMatchObject({ ok: true });
  });

  it('changes no value when every line is in force, but for the address that follows the host name', () => {
    const plain = loadConfig({ env: {}, readFile: () => '' });
    const full = load(uncommented.replace('HOST_ADDRESS=localhost', 'HOST_ADDRESS='));
    if (!plain.ok || !full.ok) throw new Error('a default is refused');
    const { CONFIG_FILE, ...settings } = full.config.settings;
    expect(CONFIG_FILE).toBe('example.env');
    expect(settings).toEqual({ ...plain.config.settings, CONFIG_FILE: undefined });
    expect(Object.keys(parseEnv(uncommented))).toHaveLength(variables.length);
  });
});
