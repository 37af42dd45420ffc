import {
  applyDecorators,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { BearerGuard, RolesGuard } from '../../modules/auth/index.js';
import { BodyInterceptor } from './body.interceptor.js';
import { CallRateGuard } from './call-rate.guard.js';
import { DeadlineInterceptor } from './deadline.interceptor.js';
import { OpenGuard } from './open.guard.js';
import { ProblemFilter } from './problem.filter.js';
import { QueryInterceptor } from './query.interceptor.js';
import { SchemaPipe } from './schema.pipe.js';

/** A controller below `/v1`: what every call there has in common, in the order in which it happens. */
export const V1 = (noun: string): ClassDecorator =>
  applyDecorators(
    Controller({ path: `v1/${noun}`, version: VERSION_NEUTRAL }),
    UseFilters(ProblemFilter),
    UseGuards(OpenGuard, BearerGuard, CallRateGuard, RolesGuard),
    UseInterceptors(QueryInterceptor, BodyInterceptor, DeadlineInterceptor),
    UsePipes(SchemaPipe),
  );
