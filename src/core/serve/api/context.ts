import type { ServeConfig } from '../../config/serve-config.ts';
import type { ServeContext } from '../context.ts';
import type { Rates } from './rates.ts';

/** What of the configuration the API goes by. */
export type ApiConfig = Pick<
  ServeConfig,
  'http' | 'security' | 'ready' | 'lines' | 'noStorage' | 'sse' | 'events'
>;

/** What the routes of the API know. */
export interface ApiContext {
  readonly config: ApiConfig;
  readonly serve: ServeContext;
  readonly rates: Rates;
  /** ms since 1970. */
  now(): number;
}
