import { BATCH_RECORDS_DEFAULT } from '../event/batch.ts';
import { FEEDS } from '../feeds/registry.ts';
import { ONE_LINE } from '../merge/session-merge.ts';
import { type RunResult, run } from '../pipeline/run.ts';
import type { RunOptions } from '../pipeline/run-options.ts';

/** Reads a file or journal as the commands do. */
export function readAll(path: string, wanted: Partial<RunOptions>): Promise<RunResult> {
  return run({
    paths: [path],
    feeds: FEEDS,
    feedName: null,
    ports: null,
    groups: null,
    snapshots: [],
    snapshotRequired: false,
    from: null,
    until: null,
    messagesMax: Number.POSITIVE_INFINITY,
    books: null,
    naming: null,
    date: null,
    arbiter: { ...ONE_LINE, gapTimeoutNs: 5_000_000, start: 'first-seen' },
    batchEvents: BATCH_RECORDS_DEFAULT,
    stopAt: null,
    invariants: 'off',
    observers: [],
    pacer: null,
    steps: null,
    signal: null,
    stop: () => false,
    breathe: async () => {},
    ...wanted,
  });
}
