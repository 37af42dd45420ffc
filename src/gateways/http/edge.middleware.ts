import { Injectable, type NestMiddleware } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { Refusal } from '../../protocol/index.js';
import { HttpSettings, PublicAddress } from './http.settings.js';
import { pathOf, requestIdOf } from './request-id.js';
import { RouteList } from './route-list.js';
import { secure } from './security-headers.js';

const PREFLIGHT_KEPT_SECONDS = '600';

/** Before any call: its id, the headers that every answer has, and what browsers of allowed origins need to know. */
@Injectable()
export class EdgeMiddleware implements NestMiddleware {
  constructor(
    private readonly routes: RouteList,
    private readonly address: PublicAddress,
    private readonly settings: HttpSettings,
  ) {}

  use(request: Request, response: Response, next: NextFunction): void {
    requestIdOf(response);
    secure(request, response);
    this.refuseManyHeaders(request);
    const allowed = request.method === 'OPTIONS' ? this.routes.methodsAt(pathOf(request)) : [];
    this.share(request, response, allowed);
    if (allowed.length === 0) return next();
    response.setHeader('Allow', allowed.join(', '));
    response.status(204).end();
  }

  private refuseManyHeaders({ rawHeaders }: Request): void {
    const { maxHeaderCount } = this.settings;
    if (rawHeaders.length / 2 <= maxHeaderCount) return;
    throw new Refusal('too_large', { reason: `at most ${maxHeaderCount} header lines` });
  }

  /** Only an exact member of the list gets a CORS header. */
  private share(request: Request, response: Response, methods: readonly string[]): void {
    response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || !this.address.origins.includes(origin)) return;
    response.set({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Expose-Headers': 'Retry-After, X-Request-Id, WWW-Authenticate, Allow',
    });
    if (methods.length === 0) return;
    response.set({
      'Access-Control-Allow-Methods': methods.join(', '),
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': PREFLIGHT_KEPT_SECONDS,
    });
  }
}
