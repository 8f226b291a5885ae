import type { ServeContext } from '../context.ts';
import { openapiRoute } from '../http/openapi.ts';
import { type AnsweringRoute, type Route, text } from '../http/route.ts';
import { HttpServer, type UpgradeHandler } from '../http/server.ts';
import { bookRoute } from './book.ts';
import { clientsRoute } from './clients.ts';
import type { ApiConfig, ApiContext } from './context.ts';
import { healthRoutes } from './health.ts';
import { instrumentsRoute } from './instruments.ts';
import { linesRoute } from './lines.ts';
import { operatorRoutes } from './operator.ts';
import { Rates } from './rates.ts';
import { statusRoute } from './status-route.ts';
import { type StreamSource, streamRoute } from './stream.ts';

/** How often the counts of the engine are noted for rates, ms. */
const SAMPLE_MS = 1000;

/** What others bring to the API. */
export interface HttpExtras {
  /** The text of `/metrics`. Absent: it is not served. */
  readonly metrics?: { readonly type: string; text(): string | Promise<string> };
  /** Protocols that take over a connection, by path: `/api/ws`. */
  readonly upgrades?: Readonly<Record<string, UpgradeHandler>>;
  /** What serves `/api/v1/stream/…`. Absent: nothing is streamed there. */
  readonly streams?: StreamSource;
  /** Further routes. */
  readonly routes?: readonly Route[];
  /** Is told of faults of ours that a request met. Absent: they are only counted. */
  readonly onFailure?: (error: unknown, what: string) => void;
  /** ms since 1970. Absent: the clock of the machine. */
  readonly now?: () => number;
}

/** Serves health, metrics and the API. Throws MdxError where it cannot listen or may not. */
export async function startHttp(
  config: ApiConfig,
  serve: ServeContext,
  extras: HttpExtras = {},
): Promise<HttpServer> {
  const { onFailure = () => {}, upgrades = {}, now = Date.now } = extras;
  const rates = new Rates();
  const routes = routesOf({ config, serve, rates, now }, extras);
  const server = await HttpServer.start({
    http: config.http,
    security: config.security,
    routes,
    upgrades,
    maxStreams: config.sse.maxConnections,
    maxUpgrades: config.events.maxConnections,
    onFailure,
  });
  const sampling = setInterval(() => rates.note(serve.status()), SAMPLE_MS).unref();
  server.onClose(() => clearInterval(sampling));
  return server;
}

/** Everything that is served, the description of it last. */
export function routesOf(context: ApiContext, { metrics, streams, routes = [] }: HttpExtras): Route[] {
  const { noStorage } = context.config;
  const all: Route[] = [
    ...healthRoutes(context),
    ...(metrics === undefined ? [] : [metricsRoute(metrics)]),
    statusRoute(context),
    linesRoute(context),
    clientsRoute(context),
    ...(noStorage ? [] : [instrumentsRoute(context), bookRoute(context), ...operatorRoutes(context)]),
    ...(streams === undefined || noStorage ? [] : [streamRoute(streams)]),
    ...routes,
  ];
  return [...all, openapiRoute(all, context.serve.version)];
}

function metricsRoute(metrics: NonNullable<HttpExtras['metrics']>): AnsweringRoute {
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics for Prometheus.',
    access: 'read',
    parameters: [],
    answers: { 200: { summary: 'Text 0.0.4.', type: metrics.type } },
    async handle() {
      return text(await metrics.text(), metrics.type);
    },
  };
}
