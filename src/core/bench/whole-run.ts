import { ONE_LINE } from '../merge/session-merge.ts';
import { type RunResult, run } from '../pipeline/run.ts';
import { WHOLE_RUN } from '../pipeline/run-defaults.ts';
import type { RunOptions } from '../pipeline/run-options.ts';

/** Reads a file or journal as the commands do. */
export function readAll(path: string, wanted: Partial<RunOptions>): Promise<RunResult> {
  const arbiter = { ...ONE_LINE, gapTimeoutNs: 5_000_000, start: 'first-seen' } as const;
  return run({ ...WHOLE_RUN, paths: [path], arbiter, ...wanted });
}
