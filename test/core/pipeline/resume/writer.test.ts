import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { ONE_LINE } from '../../../../src/core/merge/session-merge.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { DATA, dataPath } from '../../../world/data.ts';
import { Resumes } from '../../../world/resumed.ts';
import { bothLines } from '../../../world/two-lines.ts';
import { play, READERS } from '../../simulate/session.ts';

const resumes = new Resumes();
afterAll(() => resumes.remove());

const PATIENT = { ...ONE_LINE, gapTimeoutNs: 1e15, start: 1 } as const;

/** A stop: after so many messages, and how the writer ended. */
const stops = fc.array(
  fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    how: fc.constantFrom('closed' as const, 'abandoned' as const, 'torn' as const),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Stops enough for some of them to come while numbers are missing. */
const OFTEN = Array.from({ length: 12 }, (_, at) => ({ share: (at + 1) / 13, how: 'abandoned' as const }));

/** A journal that was gone on with after every stop has what an uninterrupted run wrote, and its books. */
async function holds(
  path: string,
  options: Partial<RunOptions>,
  segmentEvents: number,
  runs: number,
): Promise<void> {
  const whole = await resumes.whole([path], options);
  await fc.assert(
    fc.asyncProperty(stops, fc.integer({ min: 3, max: 200 }), async (wanted, batchEvents) => {
      const directory = resumes.name();
      let isTorn = false;
      let wasTorn = false;
      let epoch: object | null = null;
      for (const { share, how } of wanted) {
        const messagesMax = Math.max(1, Math.floor(share * whole.events.length));
        const part = { ...options, batchEvents, messagesMax };
        const written = await resumes.write(directory, [path], part, how, segmentEvents);
        expect(written.found.trimmed !== null).toBe(isTorn);
        // What could be missing begins a new epoch, and nothing else does.
        if (isTorn) expect(written.found.isNewEpoch).toBe(true);
        if (epoch !== null && !wasTorn) expect(written.found.epoch).toEqual(epoch);
        epoch = written.found.epoch;
        isTorn = written.isTorn;
        wasTorn ||= isTorn;
      }
      await resumes.write(directory, [path], { ...options, batchEvents }, 'closed', segmentEvents);
      const written = await resumes.whole([directory]);
      expect(written.events).toEqual(whole.events);
      expect(written.hashes).toEqual(whole.hashes);
    }),
    { numRuns: runs, examples: [[OFTEN, 64]] },
  );
}

it('two lines of ITCH that were stopped and gone on with, again and again', async () => {
  const { a, b } = play({ seed: 3, a: { reorder: 0.1 }, b: { loss: 0.2, skewNs: 40_000 } });
  await holds(resumes.file(bothLines(a, b)), { feedName: 'itch-5.0', arbiter: PATIENT }, 150, 6);
});

it('EOBI with snapshots and losses', async () => {
  const { a } = play({ seed: 8, feed: 'eobi', snapshotNs: 500_000, a: { loss: 0.05 } });
  const arbiter = { ...PATIENT, gapTimeoutNs: 100_000 };
  await holds(resumes.file(a), { feedName: READERS.eobi, arbiter }, 200, 6);
});

it.skipIf(DATA === null)('CLX5', async () => {
  await holds(dataPath('dbn/CLX5_mbo.dbn'), {}, 10_000, 2);
});
