import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ApiDescription, Content } from '../support/api-description.js';
import { apiDescriptionOf, operationsOf } from '../support/api-description.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let api: ApiDescription;
beforeAll(async () => {
  server = await TestServer.start();
  api = await apiDescriptionOf(server.url);
});
afterAll(() => server.stop());

/** What the linter says of a description with the rules that it recommends, and with its checks of examples. */
async function findings(description: unknown): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended'],
    rules: {
      'no-invalid-media-type-examples': 'error',
      'no-invalid-schema-examples': 'error',
      'operation-tag-defined': 'error',
      'tag-description': 'error',
      'operation-4xx-problem-details-rfc7807': 'error',
    },
  });
  const problems = await lintFromString({ source: JSON.stringify(description), absoluteRef: '/openapi.json', config });
  return problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer ?? ''}`);
}

/** It answers 101, which is not in the range; the linter knows of no upgrades. */
const EXPLAINED = ['operation-2xx-response #/paths/~1connect/get/responses'];

describe('the description of the calls', () => {
  it('leaves a linter nothing to say that is not explained here', async () => {
    expect(await findings(api)).toEqual(EXPLAINED);
  });

  it('would not pass with an example that does not fit its shape', async () => {
    const broken = structuredClone(api);
    const { examples } = broken.paths['/v1/inbox/ack']!['post']!.requestBody!.content['application/json']!;
    Object.assign(examples!['example1']!, { value: { seq: -1 } });
    expect(await findings(broken)).toHaveLength(EXPLAINED.length + 1);
  });

  it('shows an example of every body, of every answer and of every refusal', () => {
    for (const [call, { requestBody, responses }] of operationsOf(api)) {
      const contents: Array<[string, Content]> = [
        ...(requestBody ? [['body', requestBody.content] as [string, Content]] : []),
        ...Object.entries(responses).flatMap(([status, { content }]): Array<[string, Content]> =>
          content ? [[status, content]] : [],
        ),
      ];
      expect(contents.length, call).toBeGreaterThan(1);
      for (const [what, content] of contents) {
        for (const { example, examples = {} } of Object.values(content)) {
          const shown = example ?? Object.values(examples)[0];
          expect(shown, `${call} ${what}`).toBeDefined();
        }
      }
    }
  });

  it('lists beside each refusing status the codes that have it, each with its example', () => {
    const Example = z.object({ value: z.object({ code: z.string(), status: z.number() }) });
    const examples = new Map(
      Object.entries(api.components.examples).map(([name, example]) => [name, Example.parse(example).value]),
    );
    for (const [call, { responses }] of operationsOf(api)) {
      for (const [status, { description, content = {} }] of Object.entries(responses)) {
        if (Number(status) < 400) continue;
        const codes = Object.keys(content['application/problem+json']?.examples ?? {});
        expect(codes.join(', '), call).toBe(description);
        for (const code of codes) expect(examples.get(code)).toMatchObject({ code, status: Number(status) });
      }
    }
  });

  it('keeps the names that generated clients call the operations by', () => {
    const names = operationsOf(api).map(([call, { operationId }]) => [call, operationId]);
    expect(Object.fromEntries(names)).toEqual({
      'POST /v1/pre-connections': 'PreConnections_open',
      'POST /v1/messages': 'Messages_send',
      'GET /v1/inbox': 'Inbox_page',
      'POST /v1/inbox/ack': 'Inbox_acknowledge',
      'POST /v1/sessions': 'Sessions_create',
      'GET /v1/sessions': 'Sessions_list',
      'GET /v1/sessions/{id}': 'Sessions_view',
      'GET /v1/sessions/{id}/messages': 'Sessions_messages',
      'POST /v1/sessions/{id}/join': 'Sessions_join',
      'POST /v1/sessions/{id}/unjoin': 'Sessions_unjoin',
      'POST /v1/sessions/{id}/reveal': 'Sessions_reveal',
      'DELETE /v1/sessions/{id}': 'Sessions_end',
      'GET /v1/clients/{id}/messages': 'Clients_messages',
      'GET /v1/nodes/{id}': 'Nodes_view',
      'DELETE /v1/nodes/{id}/connections': 'Nodes_disconnect',
      'DELETE /v1/connections/{id}': 'Connections_disconnect',
      'POST /v1/revocations': 'Revocations_revoke',
      'GET /connect': 'Connect_refuse',
      'GET /livez': 'Health_alive',
      'GET /readyz': 'Health_ready',
      'GET /metrics': 'Metrics_text',
      'GET /openapi.json': 'Docs_openApi',
      'GET /docs': 'Docs_page',
    });
  });
});
