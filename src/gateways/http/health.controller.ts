import { Controller, Get, Header, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { ServerNode } from '../../modules/nodes/index.js';
import { problemHeaders, problemOf, Refusal } from '../../protocol/index.js';
import { Describe } from './describe.js';
import { ProblemFilter } from './problem.filter.js';
import { Readiness } from './readiness.js';
import { requestIdOf } from './request-id.js';

const Alive = z
  .object({
    status: z.literal('alive'),
    boot_id: z.string().meta({ description: 'Names this run of the server node' }),
  })
  .meta({ id: 'Alive', examples: [{ status: 'alive', boot_id: 'k7Yw0m2nQx3bVd9sT1uZgA' }] });
const Ready = z.object({ status: z.literal('ready') }).meta({ id: 'Ready', examples: [{ status: 'ready' }] });

/** For those who watch over processes; asks for no key. */
@Controller({ version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly serverNode: ServerNode,
  ) {}

  @Get('livez')
  @Header('Cache-Control', 'no-store')
  @Describe({ summary: 'Whether the process lives', answer: Alive })
  alive(): z.infer<typeof Alive> {
    return { status: 'alive', boot_id: this.serverNode.bootId };
  }

  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  @Describe({ summary: 'Whether new work should be sent here, or why not', answer: Ready, refusals: ['retry_later'] })
  ready(@Res({ passthrough: true }) response: Response): object {
    const reasons = this.readiness.reasons();
    if (reasons.length === 0) return { status: 'ready' };
    const refusal = new Refusal('retry_later', { reason: reasons.join('; ') });
    response.status(refusal.status).set(problemHeaders(refusal));
    return { ...problemOf(refusal, requestIdOf(response)), reasons };
  }
}
