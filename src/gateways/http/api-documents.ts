import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { OpenApi } from './openapi.js';
import { RouteList } from './route-list.js';

export interface PageFile {
  readonly type: string;
  readonly content: Uint8Array;
}

const SCRIPT_TYPE = 'text/javascript; charset=utf-8';

/** The files of the page that come from the installed package, and nothing else of it. */
const PACKAGE_FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', SCRIPT_TYPE],
  ['favicon-32x32.png', 'image/png'],
]);

/** Addresses are relative, so that the page also works below a path of a proxy. */
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Allspark API</title>
    <link rel="icon" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="page"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;
/** Without a validator: by default the page would send its own address to somebody else's. */
const START_SCRIPT = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#page', validatorUrl: null });\n";

/** What is served under `/docs` and `/openapi.json`. Nothing of it is made or loaded before somebody asks. */
@Injectable()
export class ApiDocuments {
  private document: object | undefined;

  constructor(private readonly routes: RouteList) {}

  openApi(): object {
    this.document ??= new OpenApi(this.routes.routes, ownVersion()).document();
    return this.document;
  }

  page(): string {
    return PAGE;
  }

  /** A file of the page; `undefined` for any other name. */
  async file(name: string): Promise<PageFile | undefined> {
    if (name === 'start.js') return { type: SCRIPT_TYPE, content: Buffer.from(START_SCRIPT) };
    const type = PACKAGE_FILES.get(name);
    if (type === undefined) return undefined;
    const home = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    return { type, content: await readFile(join(home, name)) };
  }
}

function ownVersion(): string {
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
  return version;
}
