import { Controller, Get, Header, Param, Req, Res, StreamableFile, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Refusal } from '../../protocol/index.js';
import { Describe } from './describe.js';
import { ApiDocuments } from './api-documents.js';
import { ProblemFilter } from './problem.filter.js';
import { pathOf } from './request-id.js';

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const OpenApiShape = z
  .looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) })
  .meta({ id: 'OpenApi', examples: [{ openapi: '3.1.0', info: { title: 'Allspark', version: '1.0.0' }, paths: {} }] });

/** The description of the API, for programs and for people; everything comes from this process. */
@Controller({ version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class DocsController {
  constructor(private readonly documents: ApiDocuments) {}

  @Get('openapi.json')
  @Describe({ summary: 'This description', answer: OpenApiShape })
  openApi(): object {
    return this.documents.openApi();
  }

  @Get('docs')
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Describe({ summary: 'This description as a page', answer: 'text/html', example: '<!doctype html>…' })
  page(@Req() request: Request, @Res({ passthrough: true }) response: Response): string | undefined {
    if (!pathOf(request).endsWith('/')) return this.documents.page();
    // The addresses of its files are relative to the place without the slash.
    response.redirect(308, '../docs');
    return undefined;
  }

  /** Not described: what the page loads is its own business. */
  @Get('docs/:file')
  async file(@Param('file') name: string, @Res({ passthrough: true }) response: Response): Promise<StreamableFile> {
    const file = await this.documents.file(name);
    if (!file) throw new Refusal('not_found');
    response.setHeader('Cache-Control', 'public, max-age=3600');
    return new StreamableFile(file.content, { type: file.type });
  }
}
