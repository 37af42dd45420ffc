import { Controller, Get, Header, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { Metrics } from '../../common/metrics.js';
import { BearerGuard, Roles, RolesGuard } from '../../modules/auth/index.js';
import { CallRateGuard } from './call-rate.guard.js';
import { Describe } from './describe.js';
import { ProblemFilter } from './problem.filter.js';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
@UseGuards(BearerGuard, CallRateGuard, RolesGuard)
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Roles('app')
  @Header('Content-Type', METRICS_TYPE)
  @Header('Cache-Control', 'no-store')
  @Describe({
    summary: 'What Prometheus reads (app and admin keys only)',
    answer: 'text/plain',
    example: 'allspark_connections 3\n',
    refusals: ['forbidden'],
  })
  text(): Promise<string> {
    return this.metrics.text();
  }
}
