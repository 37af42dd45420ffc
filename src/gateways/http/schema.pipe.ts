import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { Refusal } from '../../protocol/index.js';

/** The part of an issue that is read; `keys` is what zod adds for fields that nobody knows. */
interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>;
  readonly keys?: readonly string[];
}

/** Validates parameters by the schema beside them; the messages of a schema say what is wanted. */
@Injectable()
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: ([issue]: readonly Issue[]) => refusalOfIssue(issue) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      // A parameter of a path is a value without a name of its own.
      if (!(error instanceof Refusal) || error.field !== undefined) throw error;
      throw new Refusal(error.code, { field: metadata.data, reason: error.reason });
    }
  }
}

function refusalOfIssue(issue: Issue | undefined): Refusal {
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const unknown = issue?.keys?.[0];
  if (unknown !== undefined) return new Refusal('unknown_field', { field: fieldOf([...path, unknown]) });
  return new Refusal('invalid_field', { field: fieldOf(path), reason: `wanted: ${issue?.message ?? 'another value'}` });
}

function fieldOf(path: readonly string[]): string | undefined {
  return path.length > 0 ? path.join('.').slice(0, 128) : undefined;
}
