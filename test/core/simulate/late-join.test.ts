import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/core/capture/address.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import type { Impairments } from '../../../src/core/simulate/impairment.ts';
import { booksOf, filled, play, READERS, Replays, trueBooks } from './session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

const seeds = fc.nat(0xffffffff);
const OPEN: bigint = BigInt(Date.parse('2026-01-05T14:30:00Z')) * 1_000_000n;
const snapshots = [{ address: parseAddress('224.0.114.10')!.words, port: 59_000 }];
const WAYS: readonly Partial<RunOptions>[] = [
  // Snapshots that come are used.
  {},
  { snapshots },
  { snapshots, snapshotRequired: true },
];
/** About 20 ms of trading, and snapshots of several packets each. */
const profile = { instruments: 5, messages: 2_000, ordersLive: 300 };

describe('a late joiner of an EOBI session', () => {
  it('ends in the same books as the full session, whenever it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        fc.integer({ min: 0, max: 22_000_000 }),
        fc.constantFrom(1_000_000, 4_000_000, 9_000_000),
        async (seed, late, snapshotNs) => {
          const { a, truth } = play({ seed, feed: 'eobi', snapshotNs, profile });
          for (const way of WAYS) {
            const replayed = await replays.replay(a, {
              feedName: READERS.eobi,
              from: OPEN + BigInt(late),
              ...way,
            });
            const { report } = replayed;
            expect(report.inputs[0]!.skipped['beforeFrom']).toBeGreaterThan(0);
            expect(filled(booksOf(replayed))).toEqual(filled(trueBooks(truth)));
            expect(report.book).toEqual(truth.book);
            expect(report.sequence?.products).toHaveLength(2);
            expect(report.sequence?.products?.every(({ complete }) => complete)).toBe(true);
            expect(report.instruments.filter(({ stale }) => stale)).toEqual([]);
            if (way.snapshotRequired !== true) continue;
            // Only what the snapshot does not contain comes behind it.
            expect(Object.values(report.anomalies.unknownOrder).every((count) => count === 0)).toBe(true);
            expect(report.anomalies).toMatchObject({ duplicateOrder: 0, overReduced: 0 });
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('a lossy EOBI session', () => {
  const impairments: fc.Arbitrary<Partial<Impairments>> = fc.record({
    loss: fc.constantFrom(0.001, 0.005, 0.03, 0.2),
    lossBurst: fc.constantFrom(1, 5),
    duplicates: fc.constantFrom(0, 0.05),
    reorder: fc.constantFrom(0, 0.05),
    reorderDepth: fc.integer({ min: 1, max: 10 }),
    corrupt: fc.constantFrom(0, 0.01),
  });

  it('never ends with a book that is wrong and not marked stale', async () => {
    const seen = { right: 0, stale: 0, healed: 0 };
    await fc.assert(
      fc.asyncProperty(
        seeds,
        impairments,
        fc.constantFrom(1_000_000, 4_000_000),
        fc.constantFrom(50_000, 1_000_000, 1e15),
        fc.constantFrom(1, 'first-seen' as const),
        fc.constantFrom(...WAYS),
        async (seed, a, snapshotNs, gapTimeoutNs, start, way) => {
          const played = play({ seed, feed: 'eobi', snapshotNs, profile, a });
          const replayed = await replays.replay(played.a, {
            feedName: READERS.eobi,
            arbiter: { ...ONE_LINE, gapTimeoutNs, start },
            ...way,
          });
          const { report } = replayed;
          const stale = new Map(report.instruments.map((each) => [each.instrument, each.stale]));
          const right = new Map(trueBooks(played.truth).map((book) => [book.instrument, book]));
          for (const book of booksOf(replayed)) {
            if (stale.get(book.instrument)!) seen.stale += 1;
            else {
              expect(book).toEqual(right.get(book.instrument));
              seen.right += 1;
            }
          }
          for (const { lost, complete, snapshots: loaded } of report.sequence!.products!) {
            if (lost > 0 && complete && loaded > 0) seen.healed += 1;
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(Object.values(seen).every((count) => count > 20)).toBe(true);
  });
});
