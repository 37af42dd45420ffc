import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Metrics } from '../../common/metrics.js';
import { problemHeaders, problemOf, Refusal } from '../../protocol/index.js';
import { refusalOf } from './problem.js';
import { pathOf, requestIdOf } from './request-id.js';
import { RouteList } from './route-list.js';
import { secure } from './security-headers.js';

/**
 * Answers every error as a problem document. What nobody foresaw is `retry_later`: the caller may try again, and the
 * log has the rest under the request id.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(
    private readonly routes: RouteList,
    private readonly metrics: Metrics,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const requestId = requestIdOf(response);
    const refusal = this.known(error, request, response) ?? this.surprise(error, request, requestId);
    this.metrics.refused(refusal, 'rest');
    // Part of an answer is out: nothing that could be said would be understood.
    if (response.headersSent) return void response.destroy();
    secure(request, response);
    response.status(refusal.status).set(problemHeaders(refusal));
    response.end(JSON.stringify(problemOf(refusal, requestId)));
  }

  private known(error: unknown, request: Request, response: Response): Refusal | undefined {
    const refusal = refusalOf(error);
    if (refusal?.code !== 'not_found') return refusal;
    const allowed = this.routes.methodsAt(pathOf(request));
    if (allowed.length === 0 || allowed.includes(request.method)) return refusal;
    response.setHeader('Allow', allowed.join(', '));
    return new Refusal('method_not_allowed', { reason: `allowed: ${allowed.join(', ')}` });
  }

  private surprise(error: unknown, request: Request, requestId: string): Refusal {
    const what = error instanceof Error ? error.message : 'something was thrown that is no error';
    this.logger.error(
      `${request.method} ${this.routes.templateAt(pathOf(request))} failed (request ${requestId}): ${what}`,
      error instanceof Error ? error.stack : undefined,
    );
    return new Refusal('retry_later');
  }
}
