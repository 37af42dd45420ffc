import { belongTogether, isKeySet, rules } from './cross-checks.js';
import { parseConfigFile } from './config-file.js';
import { NOTHING, placesToSet, quote, showGot, type Entry, type Fault } from './fault.js';
import { parseFlags, type Entries } from './flags.js';
import { fileName, settingsSchema, variableOf, variables } from './settings.js';
import type { Settings, Variable, VariableName } from './settings.js';

export type Source = 'flag' | 'environment' | 'file' | 'default';

/** Settings whose defaults depend on others are filled in. */
export type ResolvedSettings = Settings & { readonly LISTEN_ADDRESS: string };

export interface Config {
  readonly settings: ResolvedSettings;
  readonly sources: Readonly<Record<VariableName, Source>>;
}

export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The arguments behind the command's name. */
  readonly argv?: readonly string[];
  /** Gives the text of a file or throws. */
  readonly readFile: (path: string) => string;
}

export type LoadedConfig =
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly faults: readonly Fault[] };

interface Level {
  readonly source: Source;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** Flag beats environment beats config file beats default. Either everything is right, or every fault is listed. */
export function loadConfig({ env, argv = [], readFile }: ConfigInput): LoadedConfig {
  const loader = new Loader(readFile);
  loader.gather(env, argv);
  return loader.judge();
}

class Loader {
  readonly #faults: Fault[] = [];
  readonly #failed = new Set<VariableName>();
  readonly #chosen = new Map<VariableName, Entry>();
  readonly #sources = new Map<VariableName, Source>();

  constructor(private readonly readFile: (path: string) => string) {}

  gather(env: ConfigInput['env'], argv: readonly string[]): void {
    const flags = this.#accept(parseFlags(argv));
    const environment = environmentEntries(env);
    const file = this.#fileEntries(flags.get('CONFIG_FILE') ?? environment.get('CONFIG_FILE'));
    const levels: readonly Level[] = [
      { source: 'flag', entries: flags },
      { source: 'environment', entries: environment },
      { source: 'file', entries: file },
    ];
    for (const variable of variables) this.#choose(variable, levels);
  }

  judge(): LoadedConfig {
    const settings = this.#parse();
    this.#checkRules(settings);
    this.#checkFiles(settings);
    if (this.#faults.length > 0) return { ok: false, faults: this.#faults };
    return {
      ok: true,
      config: { settings: resolve(settings, this.#sourceOf('HOST_ADDRESS')), sources: this.#allSources() },
    };
  }

  #accept({ entries, faults }: Entries): ReadonlyMap<string, Entry> {
    this.#faults.push(...faults);
    return entries;
  }

  #fileEntries(named: Entry | undefined): ReadonlyMap<string, Entry> {
    if (named === undefined) return new Map();
    const content = this.#read('CONFIG_FILE', named);
    if (content === undefined) return new Map();
    return this.#accept(parseConfigFile(named.text, content));
  }

  #choose(variable: Variable, levels: readonly Level[]): void {
    for (const { source, entries } of levels) {
      const direct = entries.get(variable.name);
      const fromFile = variable.fromFile === true ? entries.get(fileName(variable.name)) : undefined;
      if (direct === undefined && fromFile === undefined) continue;
      this.#sources.set(variable.name, source);
      if (direct !== undefined && fromFile !== undefined) this.#failTwice(variable, direct, fromFile);
      else if (direct !== undefined) this.#chosen.set(variable.name, direct);
      else if (fromFile !== undefined) this.#chooseFile(variable, fromFile);
      return;
    }
  }

  #chooseFile({ name }: Variable, entry: Entry): void {
    const content = this.#read(fileName(name), entry);
    if (content === undefined) this.#failed.add(name);
    else this.#chosen.set(name, { text: content.replace(/\r?\n$/, ''), where: `${entry.where} (${fileName(name)})` });
  }

  #failTwice({ name }: Variable, direct: Entry, fromFile: Entry): void {
    const where = `${direct.where} and ${fromFile.where}`;
    this.#faults.push({ variable: name, got: 'two values', wanted: `either ${name} or ${fileName(name)}`, where });
    this.#failed.add(name);
  }

  #read(variable: string, { text, where }: Entry): string | undefined {
    try {
      return this.readFile(text);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      this.#faults.push({
        variable,
        got: `${quote(text)} (${code})`,
        wanted: 'the path of a file that can be read',
        where,
      });
      return undefined;
    }
  }

  /** Faulty values are left out, so that the other rules can still be judged by what remains. */
  #parse(): Settings {
    const texts = Object.fromEntries([...this.#chosen].map(([name, { text }]) => [name, text]));
    const result = settingsSchema.safeParse(texts);
    if (result.success) return result.data;
    for (const name of new Set(result.error.issues.map((issue) => issue.path[0] as VariableName))) {
      this.#fail(name, variableOf(name).wanted);
      delete texts[name];
    }
    return settingsSchema.parse(texts);
  }

  #fail(name: VariableName, wanted: string): void {
    const variable = variableOf(name);
    const entry = this.#chosen.get(name);
    const got = entry === undefined ? defaultOrNothing(variable) : showGot(variable, entry.text);
    this.#faults.push({ variable: name, got, wanted, where: entry?.where ?? placesToSet(variable) });
    this.#failed.add(name);
  }

  #checkRules(settings: Settings): void {
    const alreadyFailed = new Set(this.#failed);
    for (const { blames, involves, holds, wanted } of rules) {
      const isJudged = [blames, ...involves].every((name) => !alreadyFailed.has(name));
      if (isJudged && !holds(settings)) this.#fail(blames, wanted);
    }
  }

  #checkFiles(settings: Settings): void {
    const certificate = this.#contentOf('TLS_CERT_FILE', settings);
    const key = this.#contentOf('TLS_KEY_FILE', settings);
    const keySet = this.#contentOf('AUTH_KEYS_FILE', settings);
    this.#contentOf('LINK_CA_FILE', settings);
    if (certificate !== undefined && key !== undefined && !belongTogether(certificate, key)) {
      this.#fail('TLS_KEY_FILE', 'the unencrypted PEM key that the certificate in TLS_CERT_FILE was made for');
    }
    if (keySet !== undefined && !isKeySet(keySet)) {
      this.#fail(
        'AUTH_KEYS_FILE',
        'a JWK Set whose keys have a kid of their own and an alg of HS256, RS256, ES256, EdDSA',
      );
    }
  }

  #contentOf(name: 'TLS_CERT_FILE' | 'TLS_KEY_FILE' | 'AUTH_KEYS_FILE' | 'LINK_CA_FILE', settings: Settings) {
    const entry = settings[name] === undefined ? undefined : this.#chosen.get(name);
    return entry === undefined ? undefined : this.#read(name, entry);
  }

  #sourceOf(name: VariableName): Source {
    return this.#sources.get(name) ?? 'default';
  }

  #allSources(): Config['sources'] {
    const named = variables.map(({ name }) => [name, this.#sourceOf(name)]);
    return Object.fromEntries(named) as Config['sources'];
  }
}

/** Other programs share the environment: only our own names are looked at, and an empty one counts as unset. */
function environmentEntries(env: ConfigInput['env']): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { name, fromFile } of variables) {
    for (const key of fromFile === true ? [name, fileName(name)] : [name]) {
      const text = env[key] ?? '';
      if (text.trim() !== '') entries.set(key, { text, where: `environment variable ${key}` });
    }
  }
  return entries;
}

function defaultOrNothing({ fallback }: Variable): string {
  return fallback === undefined ? NOTHING : `${quote(fallback)} (the default)`;
}

/** A server that was given no name of its own is a trial: nobody but this machine reaches it. */
function resolve(settings: Settings, hostSource: Source): ResolvedSettings {
  const everywhere = hostSource === 'default' ? '127.0.0.1' : '0.0.0.0';
  return { ...settings, LISTEN_ADDRESS: settings.LISTEN_ADDRESS ?? everywhere };
}
