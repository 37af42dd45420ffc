/** The parts of an OpenAPI document that tests read. */
export interface Schema {
  readonly type?: string;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

export type Content = Readonly<
  Record<
    string,
    {
      readonly schema: Schema;
      readonly example?: unknown;
      readonly examples?: Readonly<Record<string, { readonly value?: unknown; readonly $ref?: string }>>;
    }
  >
>;

export interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required: boolean;
    readonly schema: Schema;
  }>;
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

export interface ApiDescription {
  readonly servers: ReadonlyArray<{ readonly url: string }>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly examples: Readonly<Record<string, unknown>> };
}

export async function apiDescriptionOf(url: string): Promise<ApiDescription> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as ApiDescription;
}

/** Each with its name, such as `GET /v1/inbox`. */
export function operationsOf({ paths }: ApiDescription): Array<[string, Operation]> {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

/** The codes that the description lists for a call and a status; empty for a status that it does not have. */
export function codesOf({ responses }: Operation, status: number): string[] {
  return responses[status]?.description.split(', ') ?? [];
}
