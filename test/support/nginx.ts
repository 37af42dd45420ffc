import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Where an nginx is to be had: NGINX_BINARY, the PATH, or where systems put it that is not on the PATH of everybody.
 * Undefined when there is none: said loudly, and a failure where tests must not be skipped (`CI` is set).
 */
export function findNginx(): string | undefined {
  const given = process.env['NGINX_BINARY'];
  if (given) return given;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, 'nginx')).find(isExecutable);
  if (found !== undefined) return found;
  const text = 'NO NGINX FOR TESTS, everything about it is SKIPPED: set NGINX_BINARY, or put nginx on the PATH';
  if (process.env['CI']) throw new Error(text);
  console.error(`\n${text}\n`);
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Replaces what stands in a sample by what a test has there; a part that the sample does not have is a fault. */
export function rendered(sample: string, parts: readonly (readonly [string, string])[]): string {
  return parts.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the sample does not say ${from}`);
    return text.replaceAll(from, to);
  }, sample);
}

/** Paths that are compiled in, of which not everybody may write. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** A real nginx with a configuration of its own in a folder of its own. */
export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    readonly folder: string,
  ) {}

  /** Resolves when it takes connections at the port; rejects with what `nginx -t` says against the configuration. */
  static async start(binary: string, folder: string, configuration: string, port: number): Promise<Nginx> {
    mkdirSync(join(folder, 'temporary'), { recursive: true });
    const paths = TEMPORARY.map((name) => `    ${name}_temp_path ${folder}/temporary/${name};`).join('\n');
    writeFileSync(join(folder, 'nginx.conf'), configuration.replace('http {\n', `http {\n${paths}\n`));
    // The workers of root are somebody else, who may not write into a temporary folder.
    const user = process.getuid?.() === 0 ? 'user root; ' : '';
    const own = `${user}pid ${folder}/nginx.pid; daemon off; error_log ${folder}/error.log warn;`;
    const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log'), '-g', own];
    await promisify(execFile)(binary, ['-t', ...args]);
    const child = spawn(binary, args, { stdio: 'inherit' });
    process.once('exit', () => child.kill('SIGKILL'));
    await listensAt(port);
    return new Nginx(child, folder);
  }

  log(name: 'access' | 'error'): string {
    return readFileSync(join(this.folder, `${name}.log`), 'utf8');
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

async function listensAt(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
