import { assemble, KEYS } from './schema/keys.ts';
import type { ServeConfig } from './serve-config.ts';

/** What is not said. */
export const SERVE_DEFAULTS: ServeConfig = assemble(
  (path) => KEYS.find((each) => each.path === path)!.key.fallback,
);
