/** Where a document names something, and what. */
export interface Named {
  readonly document: string;
  readonly line: number;
  readonly name: string;
}

export interface Document {
  readonly path: string;
  readonly text: string;
}

/** A command of the command line, by its words, and the flags that it takes; `settings`: each setting is a flag too. */
export interface CommandFlags {
  readonly flags: ReadonlySet<string>;
  readonly settings: boolean;
}

/** What there is to be named. */
export interface World {
  readonly scripts: ReadonlySet<string>;
  readonly commands: ReadonlyMap<string, CommandFlags>;
  readonly settings: ReadonlySet<string>;
  readonly settingFlags: ReadonlySet<string>;
  /** `GET /v1/sessions/{id}`. */
  readonly routes: readonly string[];
  readonly metrics: ReadonlySet<string>;
  /** Every file of the project, from its root. */
  readonly files: ReadonlySet<string>;
}

export interface Finding extends Named {
  readonly kind: Kind;
  /** What is wrong with it; absent: it is there. */
  readonly fault?: string;
}

export type Kind = 'script' | 'command' | 'flag' | 'setting' | 'route' | 'metric' | 'file';

/** What npm has by itself. */
const OF_NPM = new Set(['ci', 'install', 'version', 'pack', 'publish', 'audit', 'exec']);

/** What is written like a setting and is none of the server's, each with the reason. */
export const NOT_SETTINGS: ReadonlyMap<string, string> = new Map([
  ['PATH', 'of the shell'],
  ['MONGOMS_SYSTEM_BINARY', 'tells the tests where a mongod is'],
  ['SKIPPED', 'what a fault row says'],
  ['ALICE_KEY', 'a variable of a walk-through, as are the next three'],
  ['BOB_KEY', 'of an example program'],
  ['CAROL_KEY', 'of an example program'],
  ['ALLSPARK_URL', 'of an example program'],
  ['ANY_FRAME', 'a constant of the code'],
  ['ALLSPARK_ROUTES', 'a constant of the code'],
  ['NAME_FILE', 'stands for the name of any setting that may be read from a file'],
]);

/** Files that the reader makes, each with the reason. */
export const NOT_FILES: ReadonlyMap<string, string> = new Map([
  ['alice.mjs', 'a program of a walk-through'],
  ['bob.mjs', 'a program of a walk-through'],
]);

interface Piece {
  readonly line: number;
  readonly text: string;
}

/** What is set as code: spans, and the lines of fenced blocks. Everything in a file that is no Markdown. */
function codeOf({ path, text }: Document): Piece[] {
  const lines = text.split('\n');
  if (!path.endsWith('.md')) return lines.map((line, index) => ({ line: index + 1, text: line }));
  let isFenced = false;
  return lines.flatMap((line, index): Piece[] => {
    const isFence = line.trimStart().startsWith('```');
    if (isFence) isFenced = !isFenced;
    if (isFence) return [];
    if (isFenced) return [{ line: index + 1, text: line }];
    return [...line.matchAll(/(`+)(.+?)\1/g)].map(([, , span = '']) => ({ line: index + 1, text: span }));
  });
}

/** All that a document names, and what of it is not there. */
export function findings(document: Document, world: World): Finding[] {
  const pieces = codeOf(document);
  const inCode = pieces.flatMap(({ line, text }) => [
    ...onLine(line, scriptsIn(text, world)),
    ...onLine(line, commandsIn(text, world)),
    ...onLine(line, settingsIn(text, world)),
    ...onLine(line, metricsIn(text, world)),
    ...onLine(line, filesIn(text, document.path, world)),
  ]);
  // Headings and links name calls too.
  const lines = document.text.split('\n').flatMap((text, index) => onLine(index + 1, routesIn(text, world)));
  return [...inCode, ...lines].map((found) => ({ ...found, document: document.path }));
}

function onLine(line: number, all: readonly Judged[]): Array<Judged & { readonly line: number }> {
  return all.map((one) => ({ ...one, line }));
}

type Judged = Pick<Finding, 'kind' | 'name' | 'fault'>;

function judged(kind: Kind, name: string, isThere: boolean, fault: string): Judged {
  return { kind, name, ...(!isThere && { fault }) };
}

function scriptsIn(text: string, { scripts }: World): Judged[] {
  return [...text.matchAll(/\bnpm (?:run (?:--?[\w-]+ )*([\w:-]+)|([a-z]+))/g)].map(([, run, word = '']) => {
    if (run !== undefined) return judged('script', `npm run ${run}`, scripts.has(run), 'no such script');
    return judged('script', `npm ${word}`, scripts.has(word) || OF_NPM.has(word), 'no such script');
  });
}

const SETTING_FLAGS = /(?<=\s)--[a-z][\w-]*/g;

function commandsIn(text: string, world: World): Judged[] {
  const calls = [...text.matchAll(/(?<![\w/.-])(?:bin\/)?allspark(?:\.js)? ([a-z][^|;&)#`>]*)/g)];
  const started = [...text.matchAll(/\bnpm start -- ([^|;&)#`>]*)/g)].map(([, rest = '']) => `start ${rest}`);
  return [...calls.map(([, rest = '']) => rest), ...started].flatMap((rest) => commandIn(rest, world));
}

function commandIn(rest: string, world: World): Judged[] {
  const words = rest.trim().split(/\s+/);
  const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find((candidate) => world.commands.has(candidate));
  const shown = `allspark ${name ?? words.slice(0, 2).join(' ')}`;
  const command = name === undefined ? undefined : world.commands.get(name);
  if (!command) return [judged('command', shown, false, 'no such command')];
  const flags = [...` ${rest}`.matchAll(SETTING_FLAGS)].map(([flag]) => flag);
  const takes = (flag: string): boolean =>
    command.flags.has(flag) || (command.settings && world.settingFlags.has(flag));
  return [
    judged('command', shown, true, ''),
    ...flags.map((flag) => judged('flag', `${shown} ${flag}`, takes(flag), 'no such flag')),
  ];
}

const WITH_UNDERSCORE = /(?<![\w$.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w(-])/g;
/** A word without one is taken for a setting only where it stands alone or is set to something. */
const ALONE = /^#?(?!SIG)([A-Z]{4,})(?:=.*)?$/;

function settingsIn(text: string, { settings }: World): Judged[] {
  const names = [...[...text.matchAll(WITH_UNDERSCORE)].map(([name]) => name), ...(ALONE.exec(text)?.slice(1) ?? [])];
  return names.map((name) => judged('setting', name, settings.has(name) || NOT_SETTINGS.has(name), 'no such setting'));
}

function metricsIn(text: string, { metrics }: World): Judged[] {
  return [...text.matchAll(/\ballspark_[a-z_]+\b/g)].map(([name]) =>
    judged('metric', name, metrics.has(name), 'no such metric'),
  );
}

const FILE = /^(?:\.{0,2}\/)?[\w.@-]+(?:\/[\w.@-]+)*\.(?:ts|mts|js|mjs|md|json|env)$/;
const FOLDER = /^(?:src|docs|test|config|sdk|scripts|bin|examples|bench|\.ci)(?:\/[\w.-]+)*\/?$/;

function filesIn(text: string, document: string, { files }: World): Judged[] {
  // A path that begins with a slash is one of the server; x stands for any name.
  if (text.startsWith('/') || /(?:^|\/)x\./.test(text)) return [];
  if (!FILE.test(text) && !FOLDER.test(text)) return [];
  const path = text.replace(/^\.\//, '').replace(/\/$/, '');
  const folder = document.slice(0, document.lastIndexOf('/') + 1);
  const isOne = (candidate: string): boolean =>
    files.has(candidate) || [...files].some((file) => file.startsWith(`${candidate}/`));
  const isThere =
    [path, folder + path].some(isOne) || [...files].some((file) => file.endsWith(`/${path}`)) || NOT_FILES.has(path);
  return [judged('file', text, isThere, 'no such file')];
}

function routesIn(text: string, { routes }: World): Judged[] {
  return [...text.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/[^\s?`),;|\]]*)/g)].map(([, method = '', path = '']) => {
    const asked = path.replace(/\.$/, '');
    const isThere = routes.some((route) => isCall(route, method, asked));
    return judged('route', `${method} ${asked}`, isThere, 'no such call');
  });
}

/** Whether the path may be one of the route, whose parameters stand in braces. */
function isCall(route: string, method: string, path: string): boolean {
  const [verb, pattern = ''] = route.split(' ');
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (verb !== method || wanted.length !== given.length) return false;
  return wanted.every((part, at) => part === given[at] || (part.startsWith('{') && given[at] !== ''));
}
