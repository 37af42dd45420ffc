import { type FrameRow, frameRows, withoutFrameRow } from '../authorisation/frames.js';
import { KEYED, KEYLESS, type Principal, Principals, PRINCIPALS } from '../authorisation/principals.js';
import { type RouteRow, ROUTES, withoutRow } from '../authorisation/routes.js';
import type { Frame } from '../harness/dialogue.js';
import type { Ear, Told } from '../harness/party.js';
import { ROOT } from '../harness/places.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { within } from '../harness/wait.js';

const LINK_SECRET = 'a link secret of the harness, at least 32 bytes long';
const SETTINGS = { LINK_SECRET, HTTP_RATE_PER_SECOND: '0', RATE_PER_SECOND: '0', AUTH_FAILURES_PER_SECOND: '0' };
/** As long as a real one, and of nobody. */
const NO_SESSION = 'AAAAAAAAAAAAAAAAAAAAAA';
/** What differs from answer to answer, whoever asks. */
const OF_EACH = /"(request_id|timestamp)":("[^"]*"|\d+),?/g;
const OUTSIDERS: readonly Principal[] = ['stranger', 'ex-member'];
const SHOWN = 10;
/** Of what has to be answered, and of what must not be: an answer that is later still is seen at the end. */
const [ANSWER_MS, SILENCE_MS] = [5_000, 200];
const NOTHING = 'nothing';

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Destinations {
  readonly DESTINATION_FIELDS: readonly string[];
}

export const f37: Row = {
  id: 'F37',
  title: 'authorisation matrix',
  families: FAMILIES,
  short: true,
  async run(scene) {
    const server = await scene.server(SETTINGS);
    await new Matrix(scene, server).play();
  },
};

class Matrix {
  private readonly who: Principals;
  private readonly wrongs: string[] = [];
  private cells = 0;
  private pairs = 0;

  constructor(
    { report }: Scene,
    private readonly server: ServerNode,
  ) {
    this.report = report;
    this.who = new Principals(server, LINK_SECRET);
  }

  private readonly report: Report;

  async play(): Promise<void> {
    await this.who.arrive();
    await this.lookForMissingRows();
    for (const row of ROUTES) await this.route(row);
    await this.frames();
    this.report.count(this.cells, 'cells');
    this.report.count(this.pairs, 'pairs of "not a member" and "no such session"');
    this.report.exactly('wrong', this.wrongs.length, 0);
    this.report.shortcomings.push(...this.wrongs.slice(0, SHOWN));
  }

  /** A call that the server describes and no row is about would be one that nobody thought of. */
  private async lookForMissingRows(): Promise<void> {
    const { paths } = await this.server.json<Described>('owner', '/openapi.json');
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const missing = withoutRow(described, ROUTES);
    this.report.count(described.length, 'routes');
    this.report.exactly('routes without a row', missing.length, 0);
    this.wrongs.push(...missing.map((route) => `no row is about ${route}`));
    const gone = ROUTES.filter(({ route }) => !described.includes(route));
    this.wrongs.push(...gone.map(({ route }) => `${route} is not there`));
    const seen = withoutRow([...described, 'POST /v1/planted'], ROUTES);
    this.report.holdsThat('a planted route without a row is seen', seen.length === missing.length + 1);
  }

  private async route(row: RouteRow): Promise<void> {
    let session = await this.who.session();
    for (const name of PRINCIPALS) {
      if (row.changes) session = await this.who.session();
      const answer = await this.ask(row, name, session);
      this.compare(`${row.route} ${row.way ?? ''} by ${name}`, shortOf(answer), row.expected[name]);
      const isOutside = OUTSIDERS.includes(name) && row.path?.(session).includes(session);
      if (isOutside) await this.twins(row, name, answer);
    }
  }

  private ask({ route, path, body }: RouteRow, name: Principal, session: string): Promise<Told> {
    const [method = '', described = ''] = route.split(' ');
    return this.who.of(name).call(method, path?.(session) ?? described, body);
  }

  /** Whoever is outside cannot tell one that it is not in from one that never was. */
  private async twins(row: RouteRow, name: Principal, answer: Told): Promise<void> {
    const other = await this.ask(row, name, NO_SESSION);
    this.pairs += 1;
    if (bare(answer) === bare(other)) return;
    this.wrongs.push(`${row.route} ${row.way ?? ''} by ${name}: ${bare(answer)} or ${bare(other)}`);
  }

  private async frames(): Promise<void> {
    const rows = await this.frameRows();
    const session = await this.who.session();
    for (const name of KEYLESS) {
      this.compare(`a connection of ${name}`, (await this.who.of(name).open()) ? 'open' : 'refused', 'refused');
    }
    for (const name of KEYED) {
      const ear = (await this.who.of(name).open()) as Ear;
      const silent = new Map<string, string>();
      for (const [index, { name: what, frame, all, but, hasNoId }] of rows.entries()) {
        const id = `${name.replace(' ', '-')}-${index}`;
        const expected = but?.[name] ?? all;
        const waitMs = expected === NOTHING ? SILENCE_MS : ANSWER_MS;
        const answer = await answerTo(ear, hasNoId ? frame(session) : { ...frame(session), id }, id, waitMs);
        this.compare(`${what} by ${name}`, answer, expected);
        if (expected === NOTHING) silent.set(id, what);
        if (OUTSIDERS.includes(name)) await this.frameTwins(ear, what, frame);
      }
      const late = ear.frames.filter(({ id, type }) => Number(type) < 0 && silent.has(String(id)));
      this.wrongs.push(
        ...late.map((frame) => `${silent.get(String(frame['id']))} by ${name}: ${JSON.stringify(frame)}`),
      );
      ear.close();
    }
  }

  /** The types and the destinations are those of the server's own lists. */
  private async frameRows(): Promise<FrameRow[]> {
    const { TYPE } = (await import(`${ROOT}dist/protocol/control-types.js`)) as { TYPE: Record<string, number> };
    const { DESTINATION_FIELDS: to } = (await import(`${ROOT}dist/protocol/decoder.js`)) as Destinations;
    const rows = frameRows(TYPE);
    const types = Object.keys(TYPE);
    const missing = withoutFrameRow(types, to, rows);
    this.report.count(rows.length, 'frames');
    this.report.exactly('frames without a row', missing.length, 0);
    this.wrongs.push(...missing.map((what) => `no row is about ${what}`));
    const planted = withoutFrameRow([...types, 'planted'], [...to, 'dest_planted'], rows);
    this.report.holdsThat('planted frames without a row are seen', planted.length === missing.length + 3);
    return rows;
  }

  private async frameTwins(ear: Ear, what: string, frame: (session: string) => Frame): Promise<void> {
    if (!JSON.stringify(frame(NO_SESSION)).includes(NO_SESSION)) return;
    const session = await this.who.session();
    const answers = [session, NO_SESSION].map(async (of, at) => {
      const id = `twin-${this.pairs}-${at}`;
      await answerTo(ear, { ...frame(of), id }, id, ANSWER_MS);
      const text = ear.frames.filter((one) => one['id'] === id).map((one) => JSON.stringify(one));
      return text.join(' ').replaceAll(id, 'ID').replaceAll(of, 'SESSION');
    });
    const [one, other] = await Promise.all(answers);
    this.pairs += 1;
    if (one !== other) this.wrongs.push(`${what}: ${one} or ${other}`);
  }

  private compare(what: string, answer: string, expected: string | undefined): void {
    this.cells += 1;
    if (answer !== expected) this.wrongs.push(`${what}: ${answer}, expected ${expected}`);
  }
}

function shortOf({ status, text }: Told): string {
  if (status < 400) return `${status}`;
  return `${status} ${(JSON.parse(text) as { code?: string }).code ?? ''}`;
}

/** An answer without what differs from call to call. */
function bare({ status, headers, text }: Told): string {
  const { date: _date, 'x-request-id': _id, ...rest } = headers;
  return `${status} ${JSON.stringify(rest)} ${text.replaceAll(OF_EACH, '')}`;
}

/** Where nothing is due, a question behind it shows that nothing comes. */
async function answerTo(ear: Ear, frame: Frame, id: string, waitMs: number): Promise<string> {
  const probe = `${id}-probe`;
  const before = ear.frames.length;
  ear.say(JSON.stringify(frame));
  ear.say(JSON.stringify({ type: -120, id: probe }));
  const isAnswer = ({ id: to, type }: Frame): boolean => to === frame['id'] && Number(type) < 0 && type !== -4;
  const find = (): Frame | undefined => ear.frames.slice(before).find(isAnswer);
  const isProbed = (): boolean => ear.frames.slice(before).some((one) => one['id'] === probe);
  // What has to wait for the store is answered behind the probe.
  const waits = frame['id'] !== undefined;
  await within(waitMs, () => find() !== undefined || (isProbed() && !waits), 2);
  const found = find();
  if (!found) return NOTHING;
  const rest = found['status'] ?? found['code'];
  return typeof rest === 'string' ? `${String(found['type'])} ${rest}` : String(found['type']);
}
