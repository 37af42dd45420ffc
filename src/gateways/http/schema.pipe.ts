import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { FieldFaults, type Issue } from './field-faults.js';

/** What a schema found, on its way out of the pipe that knows the parameter's name. */
class SchemaIssues extends Error {
  constructor(readonly issues: readonly Issue[]) {
    super('the value does not fit its schema');
  }
}

/** Validates parameters by the schema beside them; the messages of a schema say what is wanted. */
@Injectable()
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues: readonly Issue[]) => new SchemaIssues(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof SchemaIssues)) throw error;
      const faults = new FieldFaults();
      // A parameter of a path is a value without a name of its own.
      faults.addIssues(error.issues, metadata.data);
      faults.refuse();
      throw error;
    }
  }
}
