import { type Answer, type Call, type Parameter, problem, type Route } from './route.ts';
import type { Target } from './target.ts';

/** What a request asks for: a route with the values of its parameters, or the answer that refuses it. */
export type Found = { readonly route: Route; readonly values: Call['values'] } | { readonly refusal: Answer };

interface Compiled {
  readonly route: Route;
  /** Per segment: the text that it must be, or null = a parameter. */
  readonly segments: readonly (string | null)[];
  /** Names of the parameters in the path, in order. */
  readonly names: readonly string[];
}

/** Finds the route of a request and reads its parameters. What no route declares is refused, never left unread. */
export class Router {
  readonly #routes: readonly Compiled[];

  readonly #webSockets: readonly string[];

  /** @param webSockets paths that are for upgrades: who asks there without one is told. */
  constructor(routes: readonly Route[], webSockets: readonly string[]) {
    this.#webSockets = webSockets;
    this.#routes = routes.map((route) => {
      const segments = route.path.slice(1).split('/');
      return {
        route,
        segments: segments.map((segment) => (segment.startsWith('{') ? null : segment)),
        names: segments.filter((segment) => segment.startsWith('{')).map((segment) => segment.slice(1, -1)),
      };
    });
  }

  /** @param method HEAD is a GET whose body is not sent. */
  find(method: string, target: Target): Found {
    const there = this.#routes.filter(({ segments }) => fits(segments, target.segments));
    if (there.length === 0) return { refusal: this.#nothingAt(`/${target.segments.join('/')}`) };
    const wanted = method === 'HEAD' ? 'GET' : method;
    const found = there.find(({ route }) => route.method === wanted);
    if (found === undefined) {
      const allowed = methodsOf(there.map(({ route }) => route));
      return {
        refusal: problem(405, 'method', `${shown(method)} is not done here`, {
          hint: `Allowed: ${allowed}.`,
          headers: { allow: allowed },
        }),
      };
    }
    return readValues(found, target);
  }

  #nothingAt(path: string): Answer {
    if (this.#webSockets.includes(path)) {
      return problem(426, 'upgrade', `${path} is a WebSocket, and no upgrade was asked for`, {
        headers: { upgrade: 'websocket' },
      });
    }
    return problem(404, 'not-found', `there is nothing at ${shown(path)}`, {
      hint: 'GET /openapi.json lists what there is.',
    });
  }

  /** Methods of a path as an `Allow` header lists them, null where there is nothing. */
  allowed(target: Target): string | null {
    const there = this.#routes.filter(({ segments }) => fits(segments, target.segments));
    return there.length === 0 ? null : methodsOf(there.map(({ route }) => route));
  }
}

function fits(pattern: readonly (string | null)[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, at) => (part === null ? segments[at] !== '' : part === segments[at]))
  );
}

function methodsOf(routes: readonly Route[]): string {
  const methods = new Set<string>(
    routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
  );
  return [...methods, 'OPTIONS'].join(', ');
}

function readValues({ route, segments, names }: Compiled, target: Target): Found {
  const values: Record<string, string | number | boolean | null> = Object.create(null);
  for (const parameter of route.parameters) {
    values[parameter.name] =
      parameter.type === 'integer' ? parameter.default : parameter.type === 'flag' ? false : null;
  }
  const given: (readonly [string, string])[] = [...target.query];
  const inPath = target.segments.filter((_, at) => segments[at] === null);
  for (const [at, value] of inPath.entries()) given.push([names[at]!, value]);
  const seen = new Set<string>();
  for (const [at, [name, value]] of given.entries()) {
    const place = at < target.query.length ? 'query' : 'path';
    const parameter = route.parameters.find((each) => each.name === name && each.in === place);
    if (parameter === undefined) return { refusal: unknownParameter(name, route) };
    if (seen.has(name)) return { refusal: problem(400, 'parameter', `${name} is given twice`) };
    seen.add(name);
    const read = readValue(parameter, value);
    if (typeof read === 'object') return { refusal: problem(400, 'parameter', read.fault) };
    values[name] = read;
  }
  return { route, values };
}

function readValue(parameter: Parameter, value: string): string | number | boolean | { fault: string } {
  const { name } = parameter;
  switch (parameter.type) {
    case 'integer': {
      const { minimum, maximum } = parameter;
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= minimum && number <= maximum) return number;
      return { fault: `${name} is ${shown(value)}, expected an integer of ${minimum} … ${maximum}` };
    }
    case 'flag':
      if (value === 'true' || value === '') return true;
      if (value === 'false') return false;
      return { fault: `${name} is ${shown(value)}, expected true or false` };
    default: {
      const { maxLength, oneOf } = parameter;
      if (oneOf !== undefined && !oneOf.includes(value)) {
        return { fault: `${name} is ${shown(value)}, expected one of ${oneOf.join(', ')}` };
      }
      if (value === '' || value.length > maxLength) {
        return { fault: `${name} has ${value.length} characters, expected 1 … ${maxLength}` };
      }
      return value;
    }
  }
}

function unknownParameter(name: string, route: Route): Answer {
  const known = route.parameters.filter((each) => each.in === 'query').map((each) => each.name);
  return problem(400, 'parameter', `there is no parameter ${shown(name)} here`, {
    hint: known.length === 0 ? 'There are none.' : `Known are ${known.join(', ')}.`,
  });
}

/** What a client sent, short enough to send back. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
