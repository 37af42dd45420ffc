import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, SetMetadata } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import { Refusal, slices } from '../../protocol/index.js';
import { cutBatch } from './batch-text.js';
import { parseObject, readText } from './body.js';
import { FieldFaults } from './field-faults.js';
import { HttpSettings } from './http.settings.js';
import { bodySchemaOf } from './route-list.js';

type BodyForm = 'object' | 'optional object' | 'batch';

const BODY_FORM = 'allspark:body';

/** The call takes a body; of a batch `messages` are the texts of its elements. */
export const TakesBody = (form: BodyForm): MethodDecorator => SetMetadata(BODY_FORM, form);

/** Reads the body after the guards, so that nobody unknown makes us hold one. */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  constructor(private readonly settings: HttpSettings) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const form = Reflect.getMetadata(BODY_FORM, context.getHandler()) as BodyForm | undefined;
    const request = context.switchToHttp().getRequest<Request>();
    if (form)
      request.body = await this.read(request, form, bodySchemaOf(context.getClass(), context.getHandler().name));
    return next.handle();
  }

  private async read(request: Request, form: BodyForm, schema: z.ZodType | undefined): Promise<object> {
    const { maxBodyBytes, maxMessagesBodyBytes } = this.settings;
    const text = await readText(request, form === 'batch' ? maxMessagesBodyBytes : maxBodyBytes);
    if (text === undefined && form === 'optional object') return {};
    if (text === undefined) throw new Refusal('bad_json', { reason: 'a JSON body is wanted' });
    const faults = new FieldFaults();
    const body = form === 'batch' ? this.parseBatch(text, faults) : parseObject(text, this.settings, faults);
    // The schema is asked where the parameter is taken; here it tells what else is wrong beside the keys.
    if (faults.any) faults.addIssues(schema?.safeParse(body).error?.issues ?? []);
    faults.refuse();
    return body;
  }

  private parseBatch(text: string, faults: FieldFaults): object {
    const { skeleton, cut } = cutBatch(text);
    const body = parseObject(skeleton, this.settings, faults);
    const list = slices(skeleton).find(({ name }) => name === 'messages');
    if (!list || !Array.isArray(body['messages'])) return body;
    const whole = cut.values();
    const texts = slices(list.raw).map(({ raw }) => (raw === '{}' ? (whole.next().value ?? raw) : raw));
    return { ...body, messages: texts };
  }
}
