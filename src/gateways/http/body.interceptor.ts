import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, SetMetadata } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { Refusal, slices } from '../../protocol/index.js';
import { cutBatch } from './batch-text.js';
import { parseObject, readText } from './body.js';
import { HttpSettings } from './http.settings.js';

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
    if (form) request.body = await this.read(request, form);
    return next.handle();
  }

  private async read(request: Request, form: BodyForm): Promise<object> {
    const { maxBodyBytes, maxMessagesBodyBytes } = this.settings;
    const text = await readText(request, form === 'batch' ? maxMessagesBodyBytes : maxBodyBytes);
    if (text === undefined && form === 'optional object') return {};
    if (text === undefined) throw new Refusal('bad_json', { reason: 'a JSON body is wanted' });
    return form === 'batch' ? this.parseBatch(text) : parseObject(text, this.settings);
  }

  private parseBatch(text: string): object {
    const { skeleton, cut } = cutBatch(text);
    const body = parseObject(skeleton, this.settings);
    const list = slices(skeleton).find(({ name }) => name === 'messages');
    if (!list || !Array.isArray(body['messages'])) return body;
    const whole = cut.values();
    const texts = slices(list.raw).map(({ raw }) => (raw === '{}' ? (whole.next().value ?? raw) : raw));
    return { ...body, messages: texts };
  }
}
