import { Controller, Get, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { Refusal } from '../../protocol/index.js';
import { Describe } from './describe.js';
import { ProblemFilter } from './problem.filter.js';

/** The websocket's path, for those who come without an upgrade. */
@Controller({ path: 'connect', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class ConnectController {
  @Get()
  @Describe({
    summary: 'Open a websocket (here only what a call without an upgrade is told)',
    status: 101,
    refusals: ['upgrade_required'],
  })
  refuse(): never {
    throw new Refusal('upgrade_required');
  }
}
