import type { RunOptions } from '../run-options.ts';

/** One side as it is read; what the comparison needs besides is added to it. */
export type SideOptions = Omit<
  RunOptions,
  'observers' | 'pacer' | 'steps' | 'stopAt' | 'invariants' | 'signal' | 'stop' | 'breathe'
>;

/** How somebody ends it. */
export type Stopping = Pick<RunOptions, 'signal' | 'stop'>;
