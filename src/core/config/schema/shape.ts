import type { Key } from '../key.ts';
import type { ServeConfig } from '../serve-config.ts';

/** Keys that stand for one thing: all are given, or none, and then the whole is null. */
export interface Together {
  readonly together: Readonly<Record<string, Key<string | null>>>;
}

/** The keys of one part of the configuration, by their names in it. */
export type Section<S extends Exclude<keyof ServeConfig, 'noStorage'>> = {
  readonly [K in keyof ServeConfig[S]]: K extends 'tls' ? Together : Key<ServeConfig[S][K]>;
};
