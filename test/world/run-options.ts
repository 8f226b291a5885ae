import { ONE_LINE } from '../../src/core/merge/session-merge.ts';
import { WHOLE_RUN } from '../../src/core/pipeline/run-defaults.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';

/** Options of a run over whole files, with what a test wants otherwise. */
export function runOptions(paths: readonly string[], wanted: Partial<RunOptions> = {}): RunOptions {
  const arbiter = { ...ONE_LINE, gapTimeoutNs: 5_000_000, start: 'first-seen' as const };
  return { ...WHOLE_RUN, paths, arbiter, ...wanted };
}
