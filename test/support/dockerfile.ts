import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A stage of a Dockerfile, in a folder in place of a file system of its own. */
export interface Stage {
  readonly root: string;
  /** WORKDIR, within `root`. */
  cwd: string;
  readonly env: Record<string, string>;
  /** RUN of anything but npm: it names places outside of WORKDIR. */
  readonly left: string[];
}

type Instruction = readonly [word: string, rest: string];

export function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const end = line.indexOf(' ');
      return [line.slice(0, end), line.slice(end + 1).trim()];
    });
}

export const variablesIn = (rest: string): Record<string, string> =>
  Object.fromEntries([...rest.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));

/** Does COPY, ENV, WORKDIR and RUN of npm, stage after stage, and gives the last one. The base image is this machine. */
export class Image {
  private readonly stages = new Map<string, Stage>();
  private readonly ignored: RegExp;

  /** `npm`: settings of npm besides its own; it is run as it stands in the Dockerfile. */
  constructor(
    private readonly context: string,
    private readonly folder: string,
    private readonly npm: Readonly<Record<string, string>>,
  ) {
    const everywhere = readFileSync(join(context, '.dockerignore'), 'utf8').matchAll(/^\*\*\/(.+)$/gm);
    const patterns = [...everywhere].map(([, pattern = '']) => pattern.replaceAll('.', '\\.').replaceAll('*', '.*'));
    this.ignored = new RegExp(`^(${patterns.join('|')})$`);
  }

  build(): Stage {
    let stage: Stage | undefined;
    for (const [word, rest] of instructionsOf(readFileSync(join(this.context, 'Dockerfile'), 'utf8'))) {
      if (word === 'FROM') stage = this.begin(rest.split(' AS ')[1] ?? 'last');
      else if (stage) this.obey(stage, word, rest);
    }
    return stage!;
  }

  private begin(name: string): Stage {
    const root = join(this.folder, name);
    mkdirSync(root);
    const stage = { root, cwd: root, env: {}, left: [] };
    this.stages.set(name, stage);
    return stage;
  }

  private obey(stage: Stage, word: string, rest: string): void {
    if (word === 'WORKDIR') mkdirSync((stage.cwd = join(stage.root, rest)), { recursive: true });
    if (word === 'ENV') Object.assign(stage.env, variablesIn(rest));
    if (word === 'COPY') this.copy(stage, rest.split(' '));
    if (word === 'RUN') this.run(stage, rest);
  }

  private copy(stage: Stage, words: string[]): void {
    const from = words[0]?.startsWith('--from=') ? this.stages.get(words.shift()!.slice(7)) : undefined;
    const target = words.pop() ?? '';
    for (const word of words) {
      const source = from ? join(from.root, word) : join(this.context, word);
      const isInto = words.length > 1 || target.endsWith('/');
      const isFolder = statSync(source).isDirectory();
      cpSync(source, join(stage.cwd, target, isInto && !isFolder ? basename(word) : ''), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => from !== undefined || !this.ignored.test(basename(path)),
      });
    }
  }

  private run(stage: Stage, command: string): void {
    if (!command.startsWith('npm ')) return void stage.left.push(command);
    const { PATH = '', HOME = '' } = process.env;
    execFileSync('/bin/sh', ['-c', command], {
      cwd: stage.cwd,
      env: { PATH, HOME, ...stage.env, ...this.npm },
      stdio: 'pipe',
    });
  }
}
