// Looks over what is installed from others: `audit.mjs [FOLDER] [--offline]`. The lock file is judged offline, each time. What is
// known against single packages only a registry can say; one that does not answer is told loudly, and nothing counts as
// looked at then. Ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder =
  process.argv.slice(2).find((word) => !word.startsWith('--')) ?? fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19, 0];
/** Below it an unread flood of pings grew memory without bound. */
const OLDEST_WS = [8, 23, 0];

const LICENCES = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']);
LICENCES.add('(MIT OR CC0-1.0)');
/** Of tools that are not passed on. */
const LICENCES_OF_TOOLS = new Set([...LICENCES, 'MPL-2.0', 'Python-2.0']);
/** Their licence stands in a file of theirs only, and was read there. */
const LICENCES_READ = new Map([
  ['busboy@1.6.0', 'MIT'],
  ['passport-strategy@1.0.0', 'MIT'],
  ['pause@0.0.1', 'MIT'],
  ['streamsearch@1.1.0', 'MIT'],
]);

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const HASH = /^sha512-[A-Za-z0-9+/]{86}==$/;
const ELSEWHERE = /^(?:git|github:|gitlab:|bitbucket:|gist:|file:|link:|https?:|ssh:|[\w-]+@[\w.-]+:|[\w.-]+\/[\w.-]+)/;

const json = (...path) => JSON.parse(readFileSync(join(folder, ...path), 'utf8'));

/** All that the lock file installs; workspaces are the project's own. */
function installed(lock) {
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    const name = path.split('node_modules/').at(-1);
    return path.includes('node_modules/') && !entry.link ? [{ path, name, ...entry }] : [];
  });
}

function asked({ dependencies, devDependencies, optionalDependencies }) {
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
}

function unpinned(manifests) {
  return manifests.flatMap((manifest) =>
    asked(manifest).flatMap(([name, version]) =>
      EXACT.test(version) ? [] : [`${manifest.name} asks for ${name} ${version}: pin it`],
    ),
  );
}

function outOfStep([root], lock) {
  const locked = new Map(asked(lock.packages[''] ?? {}));
  return asked(root).flatMap(([name, version]) => {
    const entry = lock.packages[`node_modules/${name}`];
    const own = entry?.link ? lock.packages[entry.resolved] : entry;
    if (locked.get(name) === version && own?.version === version) return [];
    return [`${name} ${version} of package.json is ${own?.version ?? 'not there'} in the lock file`];
  });
}

function withoutHash(packages) {
  return packages.flatMap(({ path, integrity }) => (HASH.test(integrity) ? [] : [`${path}: integrity ${integrity}`]));
}

/** The lock file names no registry, whichever it was; what it does name has to look like a tarball of one. */
function fromElsewhere(packages) {
  return packages.flatMap(({ path, name, version, resolved, dependencies, optionalDependencies }) => {
    const tarball = `/${name}/-/${name.split('/').at(-1)}-${version}.tgz`;
    const isOfRegistry = resolved === undefined || (resolved.startsWith('https://') && resolved.endsWith(tarball));
    const wants = Object.entries({ ...dependencies, ...optionalDependencies });
    const odd = wants.filter(([, range]) => ELSEWHERE.test(range) && !range.startsWith('npm:'));
    return [
      ...(isOfRegistry ? [] : [`${path} comes from ${resolved}`]),
      ...odd.map(([of, range]) => `${path} asks for ${of} from ${range}`),
    ];
  });
}

function foreignLinks(lock, { workspaces = [] }) {
  return Object.entries(lock.packages).flatMap(([path, { link, resolved }]) =>
    link && !workspaces.includes(resolved) ? [`${path} links to ${resolved}`] : [],
  );
}

function severalOfWs(packages) {
  const copies = packages.filter(({ name }) => name === 'ws');
  if (copies.length !== 1) return [`${copies.length} copies of ws: ${copies.map(({ path }) => path).join(', ')}`];
  return compare(numbers(copies[0].version), OLDEST_WS) < 0 ? [`ws ${copies[0].version} is too old`] : [];
}

function scriptsAllowed(packages, { allowScripts = {} }) {
  const allowed = Object.entries(allowScripts).filter(([, allows]) => allows !== false);
  const unnamed = packages.filter(({ name, hasInstallScript }) => hasInstallScript && !(name in allowScripts));
  return [
    ...allowed.map(([name]) => `${name} may run its install script`),
    ...unnamed.map(({ path }) => `${path} has an install script that allowScripts does not deny`),
  ];
}

/** The oldest Node that the project promises, and all behind it that these ranges can tell. */
function notForNode(packages) {
  return packages.flatMap(({ path, dev, devOptional, engines }) =>
    dev || devOptional || admits(engines?.node ?? '*', OLDEST_NODE) ? [] : [`${path} wants Node ${engines.node}`],
  );
}

function foreignLicences(packages) {
  return packages.flatMap(({ path, name, version, dev, license }) => {
    const stated = license ?? LICENCES_READ.get(`${name}@${version}`);
    return (dev ? LICENCES_OF_TOOLS : LICENCES).has(stated) ? [] : [`${path}: licence ${JSON.stringify(stated)}`];
  });
}

function numbers(version) {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

function compare(one, other) {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

/** Whether a range of versions has this one in it; what cannot be read has not. */
function admits(range, version) {
  return range.split('||').some((all) => {
    const bounds = all
      .trim()
      .replaceAll(/([<>=^~])\s+/g, '$1')
      .split(/\s+/);
    return bounds.every((bound) => admitsOne(bound, version));
  });
}

function admitsOne(bound, version) {
  if (bound === '*' || bound === '') return true;
  const [, sign, text] = /^(>=|<=|>|<|\^|~|=|)v?(\d+(?:\.(?:\d+|[x*]))*)$/.exec(bound) ?? [];
  if (text === undefined) return false;
  const given = text.split('.').filter((part) => /^\d+$/.test(part));
  const by = compare(version, numbers(given.join('.')));
  if (sign === '>=') return by >= 0;
  if (sign === '<=') return by <= 0;
  if (sign === '>') return by > 0;
  if (sign === '<') return by < 0;
  const fixed = sign === '^' ? 1 : sign === '~' ? 2 : given.length;
  return by >= 0 && given.slice(0, fixed).every((part, index) => Number(part) === version[index]);
}

/** What a registry says; `undefined` when none answers. */
function advisories() {
  const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
  const { status, stdout } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  try {
    const { vulnerabilities, metadata } = JSON.parse(stdout);
    if (!vulnerabilities || !metadata) return undefined;
    const grave = Object.values(vulnerabilities).filter(({ severity }) => /^(?:high|critical)$/.test(severity));
    const problems = grave.map(({ name, severity, range }) => `${name} ${range}: ${severity}`);
    if (status !== 0 && problems.length === 0) problems.push(`npm audit ended with ${status}`);
    return { problems, looked: metadata.dependencies.prod };
  } catch {
    return undefined;
  }
}

const tally = { passed: 0, failed: 0 };

function check(what, problems) {
  tally[problems.length === 0 ? 'passed' : 'failed'] += 1;
  console.log(`audit: ${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
  for (const problem of problems) console.log(`         ${problem}`);
}

const lock = json('package-lock.json');
const root = json('package.json');
const manifests = [root, ...(root.workspaces ?? []).map((workspace) => json(workspace, 'package.json'))];
const packages = installed(lock);
const direct = asked(root).length;

console.log(`audit: looked at ${packages.length} packages in the lock file, ${direct} asked for by package.json`);
check('the lock file names at least what is asked for', direct > 0 && packages.length >= direct ? [] : ['too few']);
check('every version is pinned', unpinned(manifests));
check('the lock file is in step with package.json', outOfStep(manifests, lock));
check('every package has its hash', withoutHash(packages));
check('every package is one of a registry', [...fromElsewhere(packages), ...foreignLinks(lock, root)]);
check(`one copy of ws, ${OLDEST_WS.join('.')} or later`, severalOfWs(packages));
check('no package runs a script when it is installed', scriptsAllowed(packages, root));
check(`what is passed on runs on Node ${OLDEST_NODE.join('.')}`, notForNode(packages));
check('every licence is one of those that are welcome', foreignLicences(packages));

const heard = process.argv.includes('--offline') ? undefined : advisories();
if (heard) check(`${heard.looked} packages without an advisory of high severity`, heard.problems);
else {
  console.log('audit: ************************************************************************');
  console.log('audit: ADVISORIES WERE NOT LOOKED AT: no registry answered. This is no pass.');
  console.log('audit: ************************************************************************');
}
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed > 0 ? 1 : 0);
