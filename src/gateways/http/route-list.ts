import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { z } from 'zod';
import { descriptionOf, type Description } from './describe.js';

/** One call, as its controller declares it. */
export interface Route {
  readonly method: string;
  /** With `:name` for parameters. */
  readonly path: string;
  readonly controller: string;
  readonly handler: string;
  /** Whether an auth key is asked for. */
  readonly guarded: boolean;
  readonly description: Description;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly params: Readonly<Record<string, z.ZodType>>;
}

interface Argument {
  readonly data?: string;
  readonly schema?: z.ZodType;
}

/** All calls of the HTTP edge, read from the controllers, so that no second list can disagree. */
export class RouteList {
  readonly routes: readonly Route[];
  /** With those that nobody calls by hand and that are not described. */
  private readonly all: ReadonlyArray<Pick<Route, 'method' | 'path'>>;

  constructor(controllers: readonly Type[], guarded: (controller: Type) => boolean) {
    this.routes = controllers.flatMap((controller) => routesOf(controller, guarded(controller)));
    this.all = controllers.flatMap((controller) => placesOf(controller));
  }

  /** The methods that a path takes, as an `Allow` header names them; empty for an unknown path. */
  methodsAt(path: string): string[] {
    const found = this.all.filter((route) => matches(route.path, path)).map(({ method }) => method);
    if (found.length === 0) return [];
    return [...new Set([...found, ...(found.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])];
  }

  /** What a log may say of a path: the ids in it are nobody's business there. */
  templateAt(path: string): string {
    return this.all.find((route) => matches(route.path, path))?.path ?? 'an unknown path';
  }
}

/** The schema of a handler's `@Query`, if it has one. */
export function querySchemaOf(controller: object, handler: string): z.ZodObject | undefined {
  return argumentsOf(controller, handler, RouteParamtypes.QUERY)[0]?.schema as z.ZodObject | undefined;
}

/** The schema of a handler's `@Body`, if it has one. */
export function bodySchemaOf(controller: object, handler: string): z.ZodType | undefined {
  return argumentsOf(controller, handler, RouteParamtypes.BODY)[0]?.schema;
}

interface Place {
  readonly method: string;
  readonly path: string;
  readonly handler: string;
  readonly call: object;
}

function placesOf(controller: Type): Place[] {
  const prototype = controller.prototype as Record<string, object>;
  return Object.getOwnPropertyNames(prototype).flatMap((handler) => {
    const call = prototype[handler];
    const method = call && (Reflect.getMetadata(METHOD_METADATA, call) as RequestMethod | undefined);
    if (!call || method === undefined) return [];
    const path = joined(Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, call));
    return [{ method: RequestMethod[method], path, handler, call }];
  });
}

function routesOf(controller: Type, guarded: boolean): Route[] {
  return placesOf(controller).flatMap(({ method, path, handler, call }) => {
    const description = descriptionOf(call);
    if (!description) return [];
    const body = bodySchemaOf(controller, handler);
    const query = querySchemaOf(controller, handler);
    return [
      {
        method,
        path,
        controller: controller.name,
        handler,
        guarded,
        description,
        ...(body && { body }),
        ...(query && { query }),
        params: paramsOf(controller, handler),
      },
    ];
  });
}

function paramsOf(controller: Type, handler: string): Record<string, z.ZodType> {
  const named = argumentsOf(controller, handler, RouteParamtypes.PARAM);
  return Object.fromEntries(named.flatMap(({ data, schema }) => (data && schema ? [[data, schema]] : [])));
}

function argumentsOf(controller: object, handler: string, kind: RouteParamtypes): Argument[] {
  const all = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler) ?? {}) as Record<string, Argument>;
  return Object.entries(all).flatMap(([key, argument]) => (key.startsWith(`${kind}:`) ? [argument] : []));
}

function joined(...parts: unknown[]): string {
  const segments = parts.flatMap((part) => String(part).split('/')).filter((segment) => segment !== '');
  return `/${segments.join('/')}`;
}

function matches(template: string, path: string): boolean {
  const wanted = template.split('/');
  const given = path.replace(/\/$/, '').split('/');
  return wanted.length === given.length && wanted.every((part, index) => fits(part, given[index] ?? ''));
}

/** Case does not count, as in the router. */
function fits(part: string, segment: string): boolean {
  return part.startsWith(':') ? segment !== '' : part.toLowerCase() === segment.toLowerCase();
}
