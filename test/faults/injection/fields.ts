/** As much of a JSON schema as the description of the calls uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema | false;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly schema: Schema & { readonly pattern?: string };
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A place in a body where a value of the attacker may stand. */
export interface Place {
  /** As a refusal names it: `members.0.alias`; '' is the body itself. */
  readonly path: string;
  /** Of an object with names of its own, all of whose names are known. */
  readonly isStrict: boolean;
  /** Whether the value is one that the field takes as it is. */
  takes(value: unknown): boolean;
  /** A body in which all is right but this. */
  bodyWith(value: unknown): unknown;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  /** Those of them that take any text. */
  readonly freeQuery: readonly string[];
  readonly segments: readonly string[];
  readonly places: readonly Place[];
}

/** All calls that a server describes, with all that may be put into them. */
export function callsOf({ paths, components }: Description): Call[] {
  const fields = new Fields(components.schemas);
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]) => {
      const named = (place: string): string[] => parameters.filter((one) => one.in === place).map(({ name }) => name);
      const schema = requestBody?.content['application/json']?.schema;
      const places = schema ? fields.placesOf(schema) : [];
      const freeQuery = parameters.filter((one) => one.in === 'query' && isFreeText(one)).map(({ name }) => name);
      return { method: method.toUpperCase(), path, query: named('query'), freeQuery, segments: named('path'), places };
    }),
  );
}

function isFreeText({ schema: { type, pattern, enum: values } }: Parameter): boolean {
  return type === 'string' && pattern === undefined && values === undefined;
}

class Fields {
  constructor(private readonly named: Readonly<Record<string, Schema>>) {}

  /** Of a body and of all that may stand in it. */
  placesOf(schema: Schema): Place[] {
    return this.alternatives(schema).flatMap((one) => this.within(one, '', (value) => value));
  }

  private within(schema: Schema, path: string, bodyWith: (value: unknown) => unknown): Place[] {
    const isStrict = schema.properties !== undefined && schema.additionalProperties === false;
    const own: Place = { path, isStrict, takes: (value) => this.takes(schema, value), bodyWith };
    const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
    const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      this.alternatives(property).flatMap((one) =>
        this.within(one, below(name), (value) => bodyWith({ ...this.sampleOf(schema, name), [name]: value })),
      ),
    );
    const items = schema.items
      ? this.alternatives(schema.items).flatMap((one) => this.within(one, below('0'), (value) => bodyWith([value])))
      : [];
    return [own, ...properties, ...items];
  }

  private alternatives(schema: Schema): Schema[] {
    const { $ref, anyOf, oneOf, allOf } = schema;
    if ($ref !== undefined) return this.alternatives(this.named[$ref.split('/').at(-1) as string] as Schema);
    const several = anyOf ?? oneOf ?? allOf;
    return several === undefined ? [schema] : several.flatMap((one) => this.alternatives(one));
  }

  /** What the schema asks for at least; `dest_id` is one of several of which a message needs one. */
  private sampleOf({ properties = {}, required = [] }: Schema, butFor: string): Record<string, unknown> {
    const wanted = Object.keys(properties).filter((name) => required.includes(name) || name === 'dest_id');
    const others = wanted.filter((name) => name !== butFor);
    return Object.fromEntries(others.map((name) => [name, this.valueOf(properties[name] as Schema)]));
  }

  private valueOf(schema: Schema): unknown {
    const [one = schema] = this.alternatives(schema);
    if (one.const !== undefined || one.enum) return one.const ?? one.enum?.[0];
    if (one.type === 'integer' || one.type === 'number') return 0;
    if (one.type === 'boolean') return false;
    if (one.type === 'array') return [];
    if (one.type === 'object') return this.sampleOf(one, '');
    return one.examples?.[0] ?? 'nobody';
  }

  /** None of the attacker's values is a scalar: only what is free takes one. */
  private takes(
    { type, properties, additionalProperties, enum: values, const: value }: Schema,
    given: unknown,
  ): boolean {
    if (type === undefined) return values === undefined && value === undefined && properties === undefined;
    const isFree = type === 'object' && properties === undefined && typeof additionalProperties === 'object';
    return isFree && !Array.isArray(given);
  }
}
