/*
 * Wraps two modules of the program while they are loaded: lmdb, whose environments are opened with other options, and
 * the settings of the embedded store, which get values that cannot be configured.
 */
let planted = {};

export function initialize(data) {
  planted = data;
}

const WRAPPED = 'planted:';

export async function resolve(specifier, context, next) {
  if (context.parentURL?.startsWith(WRAPPED)) return next(specifier, { ...context, parentURL: undefined });
  const found = await next(specifier, context);
  const isLmdb = specifier === 'lmdb' && planted.lmdb !== undefined;
  const isSettings = found.url.endsWith('/storage/embedded/settings.js') && planted.store !== undefined;
  return isLmdb || isSettings ? { ...found, url: WRAPPED + found.url, format: 'module' } : found;
}

export async function load(url, context, next) {
  if (!url.startsWith(WRAPPED)) return next(url, context);
  const real = JSON.stringify(url.slice(WRAPPED.length));
  return { format: 'module', shortCircuit: true, source: `export * from ${real};\n${wrapping(url, real)}` };
}

function wrapping(url, real) {
  const isSettings = url.endsWith('/settings.js');
  const name = isSettings ? 'settingsOf' : 'open';
  const options = JSON.stringify(isSettings ? planted.store : planted.lmdb);
  return `import { ${name} as really } from ${real};
export const ${name} = (options) => really({ ...options, ...${options} });`;
}
