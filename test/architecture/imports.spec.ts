import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const MODULE_ORDER = ['auth', 'nodes', 'connections', 'inbox', 'sessions', 'routing'];
const FEWEST_FILES = 60;

interface Import {
  readonly from: string;
  readonly to: string;
  /** Whether `to` is a file of this project, else the name of a package. */
  readonly own: boolean;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*\(\s*'([^']+)'\s*\)|(?:^|\n)import\s*'([^']+)'/g;

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.split(sep).join('/'));
}

function isTest(file: string): boolean {
  return file.endsWith('.spec.ts') || file.includes('/testing/') || file === 'testing.ts';
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? '';
    if (!target.startsWith('.')) return { from: file, to: target, own: false };
    const path = relative(SRC, normalize(join(SRC, dirname(file), target)))
      .split(sep)
      .join('/');
    return { from: file, to: path.replace(/\.js$/, '.ts'), own: true };
  });
}

/** The room a file belongs to: `modules/inbox`, `storage/embedded`, `common`, or the file itself at the top. */
function roomOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  return ['modules', 'storage', 'gateways'].includes(first) ? `${first}/${second}` : first;
}

function position(file: string): number {
  return MODULE_ORDER.indexOf(roomOf(file).split('/')[1] ?? '');
}

function layerOf(file: string): string {
  return file.split('/')[0] ?? '';
}

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  common: ['common'],
  protocol: ['protocol', 'common'],
  config: ['config', 'common'],
  modules: ['modules', 'protocol', 'common'],
  storage: ['storage', 'modules', 'protocol', 'common'],
  links: ['links', 'modules', 'protocol', 'common'],
  gateways: ['gateways', 'modules', 'protocol', 'common'],
};

/** Packages that only one part of the house may know. */
const ONLY_IN: ReadonlyArray<{ readonly name: RegExp; readonly where: RegExp }> = [
  { name: /^lmdb$/, where: /^storage\/embedded\// },
  { name: /^(mongoose|mongodb|@nestjs\/mongoose)$/, where: /^storage\/mongo\// },
  { name: /^ws$/, where: /^(gateways|links|cli)\// },
  { name: /^@nestjs\/(websockets|platform-ws)/, where: /^gateways\// },
  { name: /^(express|@nestjs\/platform-express|@nestjs\/swagger)/, where: /^(gateways\/http\/|create-app\.ts)/ },
  { name: /^@allspark\/client$/, where: /^cli\// },
];

const files = sourceFiles();
const imports = files.flatMap(importsOf);
const ofProduct = imports.filter(({ from }) => !isTest(from));

function offenders(list: readonly Import[], forbids: (each: Import) => boolean): string[] {
  return list.filter(forbids).map(({ from, to }) => `${from} imports ${to}`);
}

describe(`imports of ${files.length} source files`, () => {
  it(`looks at no fewer than ${FEWEST_FILES} files and their imports`, () => {
    expect(files.length).toBeGreaterThanOrEqual(FEWEST_FILES);
    expect(imports.filter(({ own }) => own).length).toBeGreaterThan(files.length);
  });

  it('resolve to files that exist', () => {
    const known = new Set(files);
    expect(
      offenders(imports, ({ to, own }) => own && !to.startsWith('../') && to.endsWith('.ts') && !known.has(to)),
    ).toEqual([]);
  });

  it('go from an outer layer to an inner one: common, protocol, modules, then storage, links and gateways', () => {
    const crossing = ofProduct.filter(({ from, own }) => own && layerOf(from) in MAY_IMPORT);
    expect(crossing.length).toBeGreaterThan(50);
    expect(offenders(crossing, ({ from, to }) => !MAY_IMPORT[layerOf(from)]?.includes(layerOf(to)))).toEqual([]);
  });

  it('go between modules only to the left and through the door', () => {
    const between = ofProduct.filter(({ from, to, own }) => {
      return own && layerOf(from) === 'modules' && layerOf(to) === 'modules' && roomOf(from) !== roomOf(to);
    });
    expect(between.length).toBeGreaterThan(5);
    expect(offenders(between, ({ from, to }) => position(to) >= position(from))).toEqual([]);
    expect(offenders(between, ({ to }) => !to.endsWith('/index.ts'))).toEqual([]);
  });

  it('enter modules and protocol from outside only through their doors', () => {
    const entering = ofProduct.filter(({ from, to, own }) => {
      return own && ['modules', 'protocol'].includes(layerOf(to)) && roomOf(from) !== roomOf(to);
    });
    expect(entering.length).toBeGreaterThan(10);
    expect(offenders(entering, ({ to }) => !/\/(testing\/)?index\.ts$/.test(to))).toEqual([]);
  });

  it('keep storage families and gateways apart from each other', () => {
    const outer = ofProduct.filter(({ from, to, own }) => {
      return own && ['storage', 'gateways'].includes(layerOf(from)) && layerOf(to) === layerOf(from);
    });
    expect(outer.length).toBeGreaterThan(10);
    expect(offenders(outer, ({ from, to }) => roomOf(from) !== roomOf(to))).toEqual([]);
  });

  it.each(ONLY_IN)('name the package $name only where it belongs', ({ name, where }) => {
    expect(offenders(ofProduct, ({ from, to, own }) => !own && name.test(to) && !where.test(from))).toEqual([]);
  });

  it('form no cycle', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, own } of ofProduct) if (own) graph.set(from, [...(graph.get(from) ?? []), to]);
    expect(cyclesOf(graph)).toEqual([]);
  });

  it('never use forwardRef or export everything', () => {
    const texts = files
      .filter((file) => !isTest(file))
      .map((file) => [file, readFileSync(join(SRC, file), 'utf8')] as const);
    expect(texts.filter(([, text]) => /\bforwardRef\b|export \* from/.test(text)).map(([file]) => file)).toEqual([]);
  });
});

function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void found.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}
