import type { Request, Response } from 'express';
import { pathOf } from './request-id.js';

/** What browsers may do with an answer: nothing but hand it to the program that asked. */
export function secure(request: Request, response: Response): void {
  response.removeHeader('X-Powered-By');
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  });
  if (pathOf(request).toLowerCase().startsWith('/v1/')) response.setHeader('Cache-Control', 'no-store');
}
