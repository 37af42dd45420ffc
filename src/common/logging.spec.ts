import { Logger as NestFrontend } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { createLogger, NestLogger, redact } from './logging.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
const KEY = 'q8Zr_0canary';

function collector() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

function jsonLogger(level = 'trace') {
  const { lines, destination } = collector();
  return { logger: createLogger({ level, pretty: false, destination }), lines };
}

const fieldsOf = (line: string | undefined): Record<string, unknown> =>
  JSON.parse(line ?? '{}') as Record<string, unknown>;

describe('a log line', () => {
  it('is JSON with level, time and message', () => {
    const { logger, lines } = jsonLogger();
    logger.info({ port: 8080 }, 'listening');
    expect(fieldsOf(lines[0])).toMatchObject({ level: 30, port: 8080, msg: 'listening' });
  });

  it('is not written below the level', () => {
    const { logger, lines } = jsonLogger('warn');
    logger.info('quiet');
    expect(lines).toEqual([]);
  });

  it('is plain text when pretty, and redacted there too', () => {
    const { lines, destination } = collector();
    createLogger({ level: 'info', pretty: true, destination }).info({ authorization: `Bearer ${JWT}` }, 'opened');
    expect(lines.join('')).toContain('opened');
    expect(lines.join('')).not.toContain(JWT);
  });

  it('is one line when pretty, with its facts and without the name of a class', () => {
    const { lines, destination } = collector();
    const logger = createLogger({ level: 'info', pretty: true, destination });
    new NestLogger(logger).log('closing 2 connections', 'Drain');
    logger.info({ why: 'received SIGINT' }, 'going away');
    const text = lines.join('');
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toContain('"why":"received SIGINT"');
    expect(text).not.toContain('Drain');
  });
});

describe('a token in a log', () => {
  it.each([
    ['a header', { req: { headers: { authorization: `Bearer ${JWT}`, cookie: `a="${KEY}"` } } }],
    ['a header without scheme', { headers: { Authorization: KEY } }],
    ['raw headers', { rawHeaders: ['Authorization', `Bearer ${KEY}`] }],
    ['a list of cookies', { headers: { 'set-cookie': [KEY] } }],
    ['a url', { url: `/connect?validation_key=${KEY}&epoch=1` }],
    ['an encoded url', { url: `next=%2Fconnect%3Fvalidation_key%3D${KEY}` }],
    ['a JWT in a query string', { url: `/connect?t=${JWT}` }],
    ['an error and its stack', { err: new Error(`bad token ${JWT} at ws://h/connect?validation_key=${KEY}`) }],
    ['a field of its own', { validation_key: KEY, validationKey: KEY, AUTH_SECRET: KEY }],
    ['a body that is quoted once more', { body: JSON.stringify({ a: 1, validation_key: KEY }) }],
    ['a body that is quoted twice more', { body: JSON.stringify(JSON.stringify({ validation_key: KEY })) }],
    ['the address of a database', { uri: `mongodb://user:${KEY}@h1,h2/db` }],
  ])('is redacted in %s, and the line stays JSON', (_place, fields) => {
    const { logger, lines } = jsonLogger();
    logger.error(fields, `failed with ${JWT}`);
    expect(lines[0]).not.toContain(KEY);
    expect(lines[0]).not.toContain(JWT);
    expect(fieldsOf(lines[0])['msg']).toBe('failed with [redacted]');
  });

  it('leaves the rest of the text alone', () => {
    expect(redact(`GET /connect?validation_key=${KEY}&epoch=E&last_seq=7`)).toBe(
      'GET /connect?validation_key=[redacted]&epoch=E&last_seq=7',
    );
    expect(redact('{"node_id":"a","key_count":2,"url":"http://h:80/a@b"}')).toBe(
      '{"node_id":"a","key_count":2,"url":"http://h:80/a@b"}',
    );
  });

  it('is looked for in linear time', () => {
    const hostile = ['eyJ'.repeat(70_000), '\\'.repeat(200_000), '://' + 'a:'.repeat(100_000), '"token'.repeat(40_000)];
    const start = performance.now();
    for (const text of hostile) redact(text);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});

describe('the logger that Nest is given', () => {
  it('keeps level, context and message', () => {
    const { logger, lines } = jsonLogger();
    const nest = new NestLogger(logger);
    nest.warn('slow', 'Store');
    nest.verbose('detail', 'Store');
    nest.fatal('over', 'Store');
    expect(lines.map(fieldsOf)).toMatchObject([
      { level: 40, context: 'Store', msg: 'slow' },
      { level: 10, context: 'Store', msg: 'detail' },
      { level: 60, context: 'Store', msg: 'over' },
    ]);
  });

  it('keeps the stack of an error, given as text or as an error', () => {
    const { logger, lines } = jsonLogger();
    const nest = new NestLogger(logger);
    nest.error('broke', 'Error: broke\n at a.js', 'Store');
    nest.error(new Error('broke'), 'Store');
    expect(fieldsOf(lines[0])).toMatchObject({ context: 'Store', details: ['Error: broke\n at a.js'], msg: 'broke' });
    expect(fieldsOf(lines[1])).toMatchObject({ context: 'Store', err: { message: 'broke' }, msg: 'broke' });
  });

  it('lowers the routine news of start-up to debug', () => {
    const { logger, lines } = jsonLogger('info');
    new NestLogger(logger).log('Mapped {/livez, GET} route', 'RouterExplorer');
    new NestLogger(logger).log('ready', 'Server');
    expect(lines.map(fieldsOf)).toMatchObject([{ msg: 'ready' }]);
  });

  it('lowers to debug what Nest throws to its caller as well', () => {
    const { logger, lines } = jsonLogger('info');
    new NestLogger(logger).error(new Error('no store'), undefined, 'ExceptionHandler');
    expect(lines).toEqual([]);
  });

  it('receives what is logged through the logger of @nestjs/common', () => {
    const { logger, lines } = jsonLogger();
    NestFrontend.overrideLogger(new NestLogger(logger));
    new NestFrontend('Inbox').log('stored');
    NestFrontend.overrideLogger(true);
    expect(fieldsOf(lines[0])).toMatchObject({ level: 30, context: 'Inbox', msg: 'stored' });
  });
});
