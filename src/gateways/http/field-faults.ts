import { type FieldFault, Refusal, type RefusalCode } from '../../protocol/index.js';

/** The part of a schema's issue that is read; `keys` is what zod adds for fields that nobody knows. */
export interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>;
  readonly keys?: readonly string[];
}

const MAX_NAME_LENGTH = 128;

/** Gathers what is wrong with a body or a query, so that its sender is told all of it at once. */
export class FieldFaults {
  private readonly found = new Map<string, FieldFault>();
  private nameless: Refusal | undefined;

  /** The first fault of a field stands. */
  add(code: RefusalCode, path: string | readonly string[], detail: string): void {
    const field = [path].flat().join('.').slice(0, MAX_NAME_LENGTH);
    if (!this.found.has(field)) this.found.set(field, { field, code, detail });
  }

  /** Those of a schema; `name` is what a value is called that no field holds. */
  addIssues(issues: readonly Issue[], name?: string): void {
    for (const { message, path = [], keys = [] } of issues) {
      const parts = path.map((part) => String(typeof part === 'object' ? part.key : part));
      for (const key of keys) this.add('unknown_field', [...parts, key], 'There is no such field');
      if (keys.length === 0) this.addValue(parts.length > 0 ? parts : name, `wanted: ${message}`);
    }
  }

  get any(): boolean {
    return this.found.size > 0;
  }

  /** Throws one refusal for all faults; nothing when there are none. */
  refuse(): void {
    const [first, ...others] = this.found.values();
    if (first) throw Refusal.ofFields([first, ...others]);
    if (this.nameless) throw this.nameless;
  }

  private addValue(path: string | readonly string[] | undefined, detail: string): void {
    if (path !== undefined) this.add('invalid_field', path, detail);
    else this.nameless ??= new Refusal('invalid_field', { reason: detail });
  }
}
