import { Controller, Get, Header, Param, Res, StreamableFile, UseFilters } from '@nestjs/common';
import type { Response } from 'express';
import { Refusal } from '../../protocol/index.js';
import { Describe } from './describe.js';
import { ApiDocuments } from './api-documents.js';
import { ProblemFilter } from './problem.filter.js';

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** The description of the API, for programs and for people; everything comes from this process. */
@Controller()
@UseFilters(ProblemFilter)
export class DocsController {
  constructor(private readonly documents: ApiDocuments) {}

  @Get('openapi.json')
  @Describe({ summary: 'This description', answer: 'application/json' })
  openApi(): object {
    return this.documents.openApi();
  }

  @Get('docs')
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Describe({ summary: 'This description as a page', answer: 'text/html' })
  page(): string {
    return this.documents.page();
  }

  @Get('docs/:file')
  async file(@Param('file') name: string, @Res({ passthrough: true }) response: Response): Promise<StreamableFile> {
    const file = await this.documents.file(name);
    if (!file) throw new Refusal('not_found');
    response.setHeader('Cache-Control', 'public, max-age=3600');
    return new StreamableFile(file.content, { type: file.type });
  }
}
