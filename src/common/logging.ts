import type { LoggerService } from '@nestjs/common';
import { createRequire } from 'node:module';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

const REDACTED = '[redacted]';

/**
 * What must not reach a log, wherever in a line it stands: message, stack, header, address. Each pattern is linear.
 * A pattern keeps what its group `keep` holds.
 */
const CONFIDENTIAL: readonly RegExp[] = [
  // A JWT: three base64url parts, the first of which is a JSON object.
  /(?<keep>)(?<![\w-])eyJ[\w-]{4,}\.[\w-]+\.[\w-]*/g,
  // Credentials of a header, in any place.
  /(?<keep>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}/gi,
  // A query parameter, plain or percent-encoded.
  /(?<keep>(?:validation_key|auth_key|access_token)(?:=|%3D))[^\s&"'\\#]+/gi,
  // A field whose name says it; in JSON that is quoted once more, everything up to the end of the outer text.
  /(?<keep>"[\w-]{0,40}(?:authorization|cookie|validation_?key|auth_?key|token|secret|password)\\*":\s*\[?\\*")(?:[^"\\]|\\.)+/gi,
  // User and password of an address.
  /(?<keep>:\/\/)[^\s/@:"'\\]*:[^\s/@"'\\]+(?=@)/g,
];

export function redact(text: string): string {
  return CONFIDENTIAL.reduce((clean, pattern) => clean.replace(pattern, `$<keep>${REDACTED}`), text);
}

export interface LoggingOptions {
  /** A level of pino; `silent` logs nothing. */
  readonly level: string;
  /** Coloured text for people instead of JSON. Default: standard error is a terminal. */
  readonly pretty?: boolean;
  /** Default: standard error, for standard output carries the ready line. */
  readonly destination?: DestinationStream;
}

/** Lines are written at once, so that the last words of a dying process are not lost. */
export function createLogger({ level, pretty, destination }: LoggingOptions): Logger {
  const target = destination ?? pino.destination({ fd: 2, sync: true });
  const stream = (pretty ?? process.stderr.isTTY) ? prettyStream(target) : target;
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: redact } }, stream);
}

/** Loaded here only: it costs start-up time that a server without a terminal need not pay. */
function prettyStream(target: DestinationStream): DestinationStream {
  const load = createRequire(import.meta.url);
  const { prettyFactory } = load('pino-pretty') as typeof import('pino-pretty');
  const format = prettyFactory({
    colorize: process.stderr.isTTY,
    // Which class speaks is for those who search through many lines.
    ignore: 'pid,hostname,context',
    singleLine: true,
    translateTime: 'HH:MM:ss.l',
  });
  return { write: (line) => target.write(format(line)) };
}

/** Parts of Nest whose news at start-up is of interest only to those who look for a fault. */
const QUIET_CONTEXTS = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
  'WebSocketsController',
]);

/** Where Nest tells why the application could not be made, before it throws that on: whoever started it says it again. */
const STARTING_CONTEXT = 'ExceptionHandler';

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Lets Nest, and every `Logger` of `@nestjs/common`, log through pino. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...details: readonly unknown[]): void {
    const isQuiet = QUIET_CONTEXTS.has(String(details.at(-1)));
    this.#write(isQuiet ? 'debug' : 'info', message, details);
  }

  warn(message: unknown, ...details: readonly unknown[]): void {
    this.#write('warn', message, details);
  }

  error(message: unknown, ...details: readonly unknown[]): void {
    this.#write(details.at(-1) === STARTING_CONTEXT ? 'debug' : 'error', message, details);
  }

  fatal(message: unknown, ...details: readonly unknown[]): void {
    this.#write('fatal', message, details);
  }

  debug(message: unknown, ...details: readonly unknown[]): void {
    this.#write('debug', message, details);
  }

  verbose(message: unknown, ...details: readonly unknown[]): void {
    this.#write('trace', message, details);
  }

  /** Nest gives the context last, before it a stack or more to say. */
  #write(level: Level, message: unknown, details: readonly unknown[]): void {
    const context = details.at(-1);
    const fields = { context, details: details.length > 1 ? details.slice(0, -1) : undefined };
    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'string') this.logger[level](fields, message);
    else this.logger[level]({ ...fields, data: message });
  }
}
