import { SetMetadata } from '@nestjs/common';
import type { z } from 'zod';
import type { RefusalCode } from '../../protocol/index.js';

const DESCRIPTION = 'allspark:description';

/** What a reader of the API learns of a call beside what its route and its parameters' schemas say. */
export interface Description {
  readonly summary: string;
  readonly text?: string;
  /** Status of success; default 200. */
  readonly status?: number;
  /** Shape of the JSON answer, or the media type of another one; none: without content. */
  readonly answer?: z.ZodType | string;
  /** Of an answer that is no JSON; those of JSON stand in its shape. */
  readonly example?: string;
  /** Shape of the body where the schema that validates sees only its frame. */
  readonly body?: z.ZodType;
  readonly bodyOptional?: boolean;
  /** Request headers that mean something here, by name. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** Codes of its own; those that every guarded call may answer are added. */
  readonly refusals?: readonly RefusalCode[];
}

export const Describe = (description: Description): MethodDecorator => SetMetadata(DESCRIPTION, description);

export function descriptionOf(handler: object): Description | undefined {
  return Reflect.getMetadata(DESCRIPTION, handler) as Description | undefined;
}
