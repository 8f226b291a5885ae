import type { ServeContext } from '../context.ts';
import { type Route, text } from '../http/route.ts';
import { HttpServer, type UpgradeHandler } from '../http/server.ts';
import type { ApiConfig, ApiContext } from './context.ts';
import { healthRoutes } from './health.ts';
import { bookRoutes } from './instruments.ts';

/** What others bring to the API. */
export interface HttpExtras {
  /** The text of `/metrics`. Absent: it is not served. */
  readonly metrics?: { readonly type: string; text(): string | Promise<string> };
  /** Protocols that take over a connection, by path: `/api/ws`. */
  readonly upgrades?: Readonly<Record<string, UpgradeHandler>>;
  /** Further routes: the streams of `/api/v1/stream/…`. */
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
  const routes = routesOf({ config, serve, now }, extras);
  return HttpServer.start({ ...config, routes, upgrades, onFailure });
}

function routesOf(context: ApiContext, { metrics, routes = [] }: HttpExtras): Route[] {
  return [
    ...healthRoutes(context),
    ...(metrics === undefined ? [] : [metricsRoute(metrics)]),
    ...(context.config.noStorage ? [] : bookRoutes(context)),
    ...routes,
  ];
}

function metricsRoute(metrics: NonNullable<HttpExtras['metrics']>): Route {
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
