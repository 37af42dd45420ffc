import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeConfig, formatConfig } from './describe-config.js';
import { formatFaults } from './fault.js';
import { configOf, faultsOf, load, settingsOf, type Given } from './testing/given.js';

const SECRET = 'canary-of-a-secret-that-is-32-bytes';
const OTHER_SECRET = 'another-canary-that-has-32-bytes-too';

describe('a value', () => {
  it('is text outside and typed inside', () => {
    const env = {
      PORT: '0',
      LOG_LEVEL: 'DEBUG',
      PRESENCE: 'All',
      DISK_FREE_PERCENT: '5',
      TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      ALLOWED_ORIGINS: 'https://a.example,http://localhost:3000',
    };
    expect(settingsOf({ env })).toMatchObject({
      PORT: 0,
      LOG_LEVEL: 'debug',
      PRESENCE: 'all',
      DISK_FREE_PERCENT: 5,
      TRUSTED_PROXIES: ['10.0.0.0/8', '::1'],
      ALLOWED_ORIGINS: ['https://a.example', 'http://localhost:3000'],
    });
  });

  it.each(['true', 'True', '1', 'YES', 'on'])('that is on or off is on when it says %s', (word) => {
    expect(settingsOf({ env: { FORCE: word } }).FORCE).toBe(true);
    expect(settingsOf({ argv: [`--force=${word}`] }).FORCE).toBe(true);
  });

  it.each(['false', 'False', '0', 'no', 'OFF'])('that is on or off is off when it says %s', (word) => {
    expect(settingsOf({ env: { AUTH_DIRECT: word } }).AUTH_DIRECT).toBe(false);
  });

  it('that is a list is empty when it says none', () => {
    expect(settingsOf({ env: { ALLOWED_ORIGINS: 'none' } }).ALLOWED_ORIGINS).toEqual([]);
  });

  it('that is empty or only spaces counts as unset', () => {
    expect(settingsOf({ env: { PORT: '', HOST_ADDRESS: ' ' } })).toMatchObject({
      PORT: 8080,
      HOST_ADDRESS: 'localhost',
    });
  });

  it('that names a bind address is loopback until the host has a name', () => {
    expect(settingsOf({}).LISTEN_ADDRESS).toBe('127.0.0.1');
    expect(settingsOf({ env: { HOST_ADDRESS: 'chat.example.com' } }).LISTEN_ADDRESS).toBe('0.0.0.0');
    expect(settingsOf({ env: { HOST_ADDRESS: 'a.example', LISTEN_ADDRESS: '::1' } }).LISTEN_ADDRESS).toBe('::1');
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '8080x'],
    ['PORT', '-1'],
    ['CAPACITY', '1e3'],
    ['WINDOW_MESSAGES', '0'],
    ['PING_INTERVAL_MS', '2147483648'],
    ['AUTH_KEY_MAX_MS', '86400001'],
    ['HOST_ADDRESS', 'http://a.example'],
    ['HOST_ADDRESS', 'a.example:80'],
    ['INTERNAL_ADDRESS', '10.0.0.1'],
    ['INTERNAL_ADDRESS', '10.0.0.1:0'],
    ['METRICS_ADDRESS', '::1:9100'],
    ['PUBLIC_URL', 'ws://a.example'],
    ['PUBLIC_URL', 'https://a.example/?x=1'],
    ['AUTH_JWKS_URI', 'file:///etc/passwd'],
    ['ALLOWED_ORIGINS', 'https://A.example'],
    ['ALLOWED_ORIGINS', 'https://a.example/'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', '*'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['LOG_LEVEL', 'loud'],
    ['PRESENCE', 'some'],
    ['FORCE', 'maybe'],
    ['AUTH_SECRET', 'x'.repeat(31)],
    ['AUTH_PUBLIC_KEY', 'not a key'],
    ['MONGODB_URI', 'http://a.example'],
  ])('of %s is refused when it is %s', (variable, text) => {
    const faults = faultsOf({ env: { [variable]: text } });
    expect(faults[0]).toMatchObject({ variable, where: `environment variable ${variable}` });
    expect(faults[0]?.wanted).not.toBe('');
  });
});

describe('precedence', () => {
  const files = { 'a.env': 'PORT=1\nCAPACITY=1\nRATE_BURST=1 # small\n' };
  const env = { CONFIG_FILE: 'a.env', PORT: '2', CAPACITY: '2' };
  const argv = ['--port', '3'];

  it('is flag, environment, file, default', () => {
    const { settings, sources } = configOf({ env, argv, files });
    expect(settings).toMatchObject({ PORT: 3, CAPACITY: 2, RATE_BURST: 1, RATE_PER_SECOND: 200 });
    expect([sources.PORT, sources.CAPACITY, sources.RATE_BURST, sources.RATE_PER_SECOND]).toEqual([
      'flag',
      'environment',
      'file',
      'default',
    ]);
  });

  it('holds for the name of the config file too', () => {
    const both = { ...files, 'b.env': 'RATE_BURST=9' };
    expect(settingsOf({ env, argv: ['--config-file=b.env'], files: both }).RATE_BURST).toBe(9);
  });

  it('holds between a secret and the file of a secret', () => {
    const given = { env: { AUTH_SECRET: SECRET }, argv: ['--auth-secret-file=s'], files: { s: `${OTHER_SECRET}\n` } };
    expect(settingsOf(given).AUTH_SECRET?.reveal()).toBe(OTHER_SECRET);
  });
});

describe('a flag', () => {
  it.each([
    [['--data-dir=/x y']],
    [['--data-dir', '/x y']],
    [['--data_dir=/x y']],
    [['--Data_Dir', '/x y']],
    [['--data-dir=/other', '--data-dir=/x y']],
  ])('is understood as %j', (argv) => {
    expect(settingsOf({ argv }).DATA_DIR).toBe('/x y');
  });

  it('that is on or off needs no value, and takes only a word for on or off', () => {
    expect(settingsOf({ argv: ['--force', '--port=1'] })).toMatchObject({ FORCE: true, PORT: 1 });
    expect(settingsOf({ argv: ['--auth-direct', 'off', '--port=1'] })).toMatchObject({ AUTH_DIRECT: false, PORT: 1 });
    expect(settingsOf({ argv: ['--force=True'] }).FORCE).toBe(true);
  });

  it('that is unknown is a fault with the nearest name, and its value is not shown', () => {
    const faults = faultsOf({ argv: ['--auth-secrt', SECRET, '--xyzzy=1'] });
    expect(faults.map(({ variable, wanted }) => [variable, wanted])).toEqual([
      ['--auth-secrt', 'did you mean --auth-secret?'],
      ['--xyzzy', 'a flag that exists (see config print)'],
    ]);
    expect(formatFaults(faults)).not.toContain(SECRET);
  });

  it('without a value, and a word that belongs to no flag, are faults', () => {
    const faults = faultsOf({ argv: ['--port', '--host-address=', 'word', '-p', '--auth-secret-file'] });
    expect(faults.map(({ variable, got }) => [variable, got])).toEqual([
      ['PORT', 'nothing'],
      ['HOST_ADDRESS', 'nothing'],
      ['argument 3', 'a word that belongs to no flag'],
      ['argument 4', '"-p"'],
      ['AUTH_SECRET_FILE', 'nothing'],
    ]);
  });
});

const withFile = (content: string): Given => ({ env: { CONFIG_FILE: 'a.env' }, files: { 'a.env': content } });

describe('the config file', () => {
  it('may quote, comment and export', () => {
    const content = '# head\n\nexport HOST_ADDRESS="a.example"\nDATA_DIR=\'/x y\' # why\n';
    expect(settingsOf(withFile(content))).toMatchObject({ HOST_ADDRESS: 'a.example', DATA_DIR: '/x y' });
  });

  it('that cannot be read is a fault', () => {
    const [fault] = faultsOf({ env: { CONFIG_FILE: 'gone.env' } });
    expect(fault).toMatchObject({ variable: 'CONFIG_FILE', got: '"gone.env" (ENOENT)' });
  });

  it('with an unknown key, a line of another form or another file in it is faulty, by line', () => {
    const faults = faultsOf(withFile('POTR=1\nCONFIG_FILE=b.env\njust words\nPORT=2\n'));
    expect(faults.map(({ variable, wanted, where }) => [variable, wanted, where])).toEqual([
      ['POTR', 'did you mean PORT?', 'a.env, line 1'],
      ['CONFIG_FILE', 'one file', 'a.env, line 2'],
      ['CONFIG_FILE', 'NAME=value', 'a.env, line 3'],
    ]);
  });

  it('is faulty at its last line too', () => {
    const faults = faultsOf(withFile('PORT=2\njust words'));
    expect(faults.map(({ got, where }) => [got, where])).toEqual([['a line of another form', 'a.env, line 2']]);
  });

  it('may have a value of several lines in quotes', () => {
    const content = 'AUTH_PUBLIC_KEY="one\njust words\nlast"\nDATA_DIR=/x\nHOST_ADDRESS="never closed\n';
    expect(faultsOf(withFile(content)).filter(({ got }) => got === 'a line of another form')).toEqual([]);
  });

  it('is named with the line of a wrong value', () => {
    expect(faultsOf(withFile('\nPORT=x\n'))[0]).toMatchObject({ variable: 'PORT', got: '"x"', where: 'a.env, line 2' });
  });
});

describe('an environment', () => {
  it('is shared with other programs, so unknown names in it are ignored', () => {
    expect(load({ env: { PORTT: '1', PATH: '/bin', AUTH_SECRT: 'x' } }).ok).toBe(true);
  });
});

describe('a secret', () => {
  it('is read from the file that NAME_FILE names, without the last line end', () => {
    const files = { '/run/s': `${SECRET}\n`, '/run/l': `${OTHER_SECRET}\r\n` };
    const settings = settingsOf({ env: { AUTH_SECRET_FILE: '/run/s', LINK_SECRET_FILE: '/run/l' }, files });
    expect(settings.AUTH_SECRET?.reveal()).toBe(SECRET);
    expect(settings.LINK_SECRET?.reveal()).toBe(OTHER_SECRET);
  });

  it('given twice at one level, or from a file that cannot be read, is a fault', () => {
    const env = { AUTH_SECRET: SECRET, AUTH_SECRET_FILE: 's', LINK_SECRET_FILE: 'gone' };
    expect(faultsOf({ env, files: { s: SECRET } })).toMatchObject([
      { variable: 'AUTH_SECRET', wanted: 'either AUTH_SECRET or AUTH_SECRET_FILE' },
      { variable: 'LINK_SECRET_FILE', got: '"gone" (ENOENT)', where: 'environment variable LINK_SECRET_FILE' },
    ]);
  });

  it('is printed by no dump of the configuration', () => {
    const env = { AUTH_SECRET: SECRET, LINK_SECRET: OTHER_SECRET, MONGODB_URI: 'mongodb://user:canary@h/db' };
    const config = configOf({ env });
    const { AUTH_SECRET, MONGODB_URI } = config.settings;
    const dumps = [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${String(AUTH_SECRET)} ${String(MONGODB_URI)}`,
      JSON.stringify(describeConfig(config)),
      formatConfig(config),
    ];
    for (const dump of dumps) {
      expect(dump).not.toContain('canary');
      expect(dump).toContain('[redacted]');
    }
  });

  it('is printed by no fault', () => {
    const { privateKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const env = {
      AUTH_SECRET: 'canary',
      LINK_SECRET: 'canary',
      MONGODB_URI: 'canary://user:canary@h',
      AUTH_PUBLIC_KEY: privateKey,
      PUBLIC_URL: 'https://user:canary@a.example',
    };
    const faults = faultsOf({ env });
    expect(faults.map(({ variable }) => variable)).toEqual(expect.arrayContaining(Object.keys(env)));
    expect(formatFaults(faults)).not.toMatch(/canary|PRIVATE/);
    expect(faults.find(({ variable }) => variable === 'AUTH_SECRET')?.got).toBe('[redacted], 6 bytes');
  });
});

describe('faults', () => {
  const given: Given = {
    env: { CONFIG_FILE: 'a.env', PORT: 'x', TLS_CERT_FILE: 'gone', LINK_SECRET: 'short' },
    argv: ['--prot=1', '--capacity', 'many'],
    files: { 'a.env': 'UNKNOWN=1\nPAGE_MESSAGES=5000\n' },
  };

  it('are all listed at once, of every kind and place', () => {
    const names = faultsOf(given).map(({ variable }) => variable);
    expect(names.toSorted()).toEqual(
      [
        '--prot',
        'UNKNOWN',
        'PORT',
        'CAPACITY',
        'LINK_SECRET',
        'PAGE_MESSAGES',
        'TLS_CERT_FILE',
        'TLS_KEY_FILE',
      ].toSorted(),
    );
  });

  it('are printed as variable, got, wanted, where', () => {
    const text = formatFaults(faultsOf({ env: { PORT: 'x\u001b[2J', TLS_CERT_FILE: 'c' }, files: { c: '' } }));
    expect(text).toBe(
      [
        '2 settings are wrong; nothing was started.',
        '',
        'PORT',
        '  got:    "x\\u001b[2J"',
        '  wanted: a whole number from 0 to 65535',
        '  where:  environment variable PORT',
        '',
        'TLS_KEY_FILE',
        '  got:    nothing',
        '  wanted: a path, as TLS_CERT_FILE is set: TLS needs both',
        '  where:  flag --tls-key-file, or TLS_KEY_FILE in the environment or in the file that CONFIG_FILE names',
        '',
      ].join('\n'),
    );
  });
});

describe('the description of a configuration', () => {
  it('gives value and source of every variable, in effect', () => {
    const rows = describeConfig(configOf({ env: { FORCE: '1' }, argv: ['--trusted-proxies=10.0.0.1,::1'] }));
    expect(rows).toContainEqual({ variable: 'FORCE', value: 'on', source: 'environment' });
    expect(rows).toContainEqual({ variable: 'TRUSTED_PROXIES', value: '10.0.0.1,::1', source: 'flag' });
    expect(rows).toContainEqual({ variable: 'LISTEN_ADDRESS', value: '127.0.0.1', source: 'default' });
    expect(rows).toContainEqual({ variable: 'AUTH_SECRET', value: '', source: 'default' });
  });

  it('loads again as a config file', () => {
    const printed = formatConfig(configOf({ env: { FORCE: '1', PORT: '9' } }));
    const again = settingsOf({ env: { CONFIG_FILE: 'p' }, files: { p: printed } });
    expect(again).toMatchObject({ FORCE: true, PORT: 9, RATE_BURST: 1000 });
  });
});
