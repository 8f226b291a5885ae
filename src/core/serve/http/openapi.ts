import { json, type Parameter, type Route, type RouteAnswer } from './route.ts';
import { jsonSchemaOf, type Schema } from './schema.ts';

/** What an answer that is no result looks like. */
const PROBLEM: Schema = {
  type: 'object',
  of: {
    error: {
      type: 'object',
      of: {
        code: { type: 'string', about: 'For programs.' },
        message: { type: 'string', about: 'What was found and what was expected.' },
        hint: { type: 'string?', about: 'How to get what is wanted.' },
      },
    },
  },
};

/** Answers that the server gives for every route. */
const ANYWHERE: Readonly<Record<number, RouteAnswer>> = {
  400: { summary: 'The request is not well formed, or a parameter is unknown or out of range.' },
  500: { summary: 'A fault of mdx.' },
};

const GUARDED: Readonly<Record<number, RouteAnswer>> = {
  401: { summary: 'A token is missing or wrong.' },
  503: { summary: 'Too many answers wait for slow readers.' },
};

/** The route that describes the others, and itself. */
export function openapiRoute(routes: readonly Route[], version: string): Route {
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description.',
    access: 'open',
    parameters: [],
    answers: { 200: { summary: 'OpenAPI 3.1.', type: 'application/json; charset=utf-8' } },
    handle: () => json(document),
  };
  const document = openapiOf([...routes, route], version);
  return route;
}

/** The OpenAPI document of routes: made of what they are served by, so the two cannot part. */
export function openapiOf(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mdx serve',
      version,
      description:
        'Integers that may pass 2^53 are decimal strings, counts are numbers; prices and quantities are exact decimal strings.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchemaOf(PROBLEM) },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const { summary, access, parameters, takes, answers } = route;
  const all = { ...ANYWHERE, ...(access === 'open' ? {} : GUARDED), ...answers };
  return {
    summary,
    parameters: parameters.map(parameterOf),
    ...(takes === undefined
      ? {}
      : {
          requestBody: {
            required: false,
            content: { 'application/json': { schema: jsonSchemaOf(takes) } },
          },
        }),
    responses: Object.fromEntries(
      Object.entries(all).map(([status, answer]) => [status, responseOf(route, Number(status), answer)]),
    ),
    // Where tokens are configured; an empty requirement: it also goes without.
    ...(access === 'open' ? {} : { security: access === 'operate' ? [{ token: [] }] : [{}, { token: [] }] }),
  };
}

function responseOf(route: Route, status: number, { summary, schema, type }: RouteAnswer): object {
  const isProblem = status >= 400 && schema === undefined;
  const media =
    type ??
    (status < 300 && 'open' in route
      ? route.streams
      : schema !== undefined || isProblem
        ? 'application/json'
        : 'text/plain');
  const form = isProblem
    ? { $ref: '#/components/schemas/Problem' }
    : schema === undefined
      ? {}
      : jsonSchemaOf(schema);
  return { description: summary, content: { [media]: { schema: form } } };
}

function parameterOf(parameter: Parameter): object {
  const { name, in: place, summary } = parameter;
  return {
    name,
    in: place,
    required: place === 'path',
    description: summary,
    schema: parameterSchema(parameter),
  };
}

function parameterSchema(parameter: Parameter): object {
  switch (parameter.type) {
    case 'integer': {
      const { minimum, maximum } = parameter;
      return {
        type: 'integer',
        minimum,
        maximum,
        ...(parameter.default === null ? {} : { default: parameter.default }),
      };
    }
    case 'flag':
      return { type: 'boolean', default: false };
    default:
      return {
        type: 'string',
        minLength: 1,
        maxLength: parameter.maxLength,
        ...(parameter.oneOf === undefined ? {} : { enum: parameter.oneOf }),
      };
  }
}
