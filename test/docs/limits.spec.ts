import { afterAll, beforeAll, expect, it } from 'vitest';
import { LIMITS } from '../../src/common/limit-names.js';
import { Metrics } from '../../src/common/metrics.js';
import {
  clusterVariables,
  connectionVariables,
  frameVariables,
  healthVariables,
  httpVariables,
  inboxVariables,
  keyVariables,
  rateVariables,
  storeLimitVariables,
} from '../../src/config/limit-variables.js';
import { CLOSE, REFUSALS } from '../../src/protocol/index.js';
import { TestServer } from '../support/test-server.js';
import { KEPT_BY_OTHERS, LIMIT_TABLE } from './limits-table.js';
import { textOf } from './markdown.js';

const VARIABLES = Object.keys({
  ...frameVariables,
  ...rateVariables,
  ...connectionVariables,
  ...httpVariables,
  ...inboxVariables,
  ...storeLimitVariables,
  ...healthVariables,
  ...keyVariables,
  ...clusterVariables,
});

/** Close codes that no code of ours sends: of the websocket library, and the one of a connection that just broke. */
const OF_THE_LIBRARY = ['1006', '1008'];

/** Of figures that are about other server nodes. */
const OF_SERVER_NODES = ['dead', 'full', 'live'];

function settingsOf(line: string): string[] {
  return [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}

let server: TestServer;
let page: string;

beforeAll(async () => {
  server = await TestServer.start();
  page = await server.running.app.get(Metrics, { strict: false }).text();
});

afterAll(() => server.stop());

it(`each of the ${VARIABLES.length} limits stands in the table once, and nothing else does`, () => {
  const named = [...LIMIT_TABLE.flatMap(({ settings }) => settings), ...KEPT_BY_OTHERS];
  expect([...named].sort()).toEqual([...VARIABLES].sort());
  expect(VARIABLES.length).toBeGreaterThanOrEqual(87);
});

it(`each of the ${LIMIT_TABLE.length} rows is proven by a test that is there`, () => {
  const missing = LIMIT_TABLE.filter(({ spec, title }) => !textOf(spec).includes(`'${title}'`));
  expect(missing.map(({ spec, title }) => `${spec}: ${title}`)).toEqual([]);
  expect(LIMIT_TABLE.length).toBeGreaterThanOrEqual(55);
});

it('each metric is on the page, and its label is one of a closed list', () => {
  const shown = LIMIT_TABLE.flatMap(({ metric }) => (metric === undefined ? [] : [metric]));
  const labels: readonly string[] = [
    ...LIMITS,
    ...Object.keys(REFUSALS),
    ...Object.values(CLOSE).map(String),
    ...OF_THE_LIBRARY,
    ...OF_SERVER_NODES,
  ];
  for (const metric of shown) {
    const [name = '', , value] = metric.split(/[{"}]/);
    expect(page).toContain(`# TYPE ${name} `);
    if (value !== undefined) expect(labels).toContain(value);
  }
  expect(shown.length).toBeGreaterThanOrEqual(40);
});

it('each limit that is counted by name is proven, and on the page before it is ever hit', () => {
  const metrics = new Set(LIMIT_TABLE.map(({ metric }) => metric));
  const lines = LIMITS.map((limit) => `allspark_limit_hits_total{limit="${limit}"}`);
  expect(lines.filter((line) => !metrics.has(line))).toEqual([]);
  for (const line of lines) expect(page).toContain(`${line} 0\n`);
});

it('the document names each limit with its metric, and none else', () => {
  const rows = textOf('docs/limits.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const told = rows.map((line) => ({ settings: settingsOf(line), metric: line.split('|').at(-2)?.trim() }));
  const wanted = LIMIT_TABLE.map(({ settings, metric }) => ({
    settings,
    metric: metric === undefined ? '–' : `\`${metric}\``,
  }));
  expect(told).toEqual(wanted);
});
