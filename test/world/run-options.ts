import { BATCH_RECORDS_DEFAULT } from '../../src/core/event/batch.ts';
import { FEEDS } from '../../src/core/feeds/registry.ts';
import { ONE_LINE } from '../../src/core/merge/session-merge.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';

/** Options of a run over whole files, with what a test wants otherwise. */
export function runOptions(paths: readonly string[], wanted: Partial<RunOptions> = {}): RunOptions {
  return {
    paths,
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
  };
}
