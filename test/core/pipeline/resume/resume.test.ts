import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { KIND_GAP } from '../../../../src/core/event/record.ts';
import { ONE_LINE } from '../../../../src/core/merge/session-merge.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { Resumes } from '../../../world/resumed.ts';
import { bothLines, withoutFirst } from '../../../world/two-lines.ts';
import type { Event } from '../../journal/streams.ts';
import { play, READERS } from '../../simulate/session.ts';

const resumes = new Resumes();
afterAll(() => resumes.remove());

const PATIENT = { ...ONE_LINE, gapTimeoutNs: 1e15, start: 1 } as const;

interface Input {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly options: Partial<RunOptions>;
}

const BAD = { reorder: 0.1, duplicates: 0.1, skewNs: 40_000 };

const INPUTS: readonly Input[] = [
  {
    name: 'two lines of ITCH',
    bytes: () => {
      const { a, b } = play({ seed: 3, a: BAD, b: { loss: 0.2 } });
      return bothLines(a, b);
    },
    options: { feedName: 'itch-5.0', arbiter: PATIENT },
  },
  {
    name: 'ITCH with holes',
    bytes: () => play({ seed: 4, a: { loss: 0.1, lossBurst: 2 } }).a,
    options: { feedName: 'itch-5.0', arbiter: { ...PATIENT, gapTimeoutNs: 5_000_000 } },
  },
  {
    name: 'EOBI with snapshots and losses',
    bytes: () => play({ seed: 5, feed: 'eobi', snapshotNs: 500_000, a: { loss: 0.05, reorder: 0.05 } }).a,
    options: { feedName: READERS.eobi, arbiter: { ...PATIENT, gapTimeoutNs: 100_000 } },
  },
  {
    name: 'FAST-like packets',
    bytes: () => play({ seed: 6, feed: 'fast-like', a: { loss: 0.05 } }).a,
    options: { feedName: 'fast-like', arbiter: { ...PATIENT, gapTimeoutNs: 100_000 } },
  },
  { name: 'DBN', bytes: () => play({ seed: 7, format: 'dbn' }).a, options: {} },
];

describe.each(INPUTS)('a replay of $name that was interrupted anywhere', ({ bytes, options }) => {
  it('goes on with the whole input as if it had not been', async () => {
    const path = resumes.file(bytes());
    const whole = await resumes.whole([path], options);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: whole.events.length }),
        fc.integer({ min: 20, max: 1000 }),
        fc.integer({ min: 3, max: 64 }),
        fc.boolean(),
        async (events, segmentEvents, batchEvents, leavesOpen) => {
          const plan = { segmentEvents, leavesOpen, eventsMax: events, options: { ...options, batchEvents } };
          const directory = await resumes.journal([path], plan);
          const resumed = await resumes.resume(directory, [path], options);
          expect(resumed.recovered.lastEvent).toBe(events);
          expect([...whole.events.slice(0, events), ...resumed.events]).toEqual(whole.events);
          expect(resumed.hashes).toEqual(whole.hashes);
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe.each(['itch', 'eobi', 'fast-like'] as const)('an input of %s that begins later', (feed) => {
  it('goes on as if nothing had been if it reaches the journal’s end, and else has a gap', async () => {
    const { a, b } = play({ seed: 9, feed, profile: { messages: 250 } });
    const options = { feedName: READERS[feed], arbiter: { ...PATIENT, start: 'first-seen' as const } };
    const path = resumes.file(a);
    const whole = await resumes.whole([path], options);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: whole.events.length }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (events, share, otherLine) => {
          const plan = { segmentEvents: 100, eventsMax: events, options: { ...options, batchEvents: 8 } };
          const directory = await resumes.journal([path], plan);
          const cut = withoutFirst(otherLine ? b : a, Math.floor(share * 100));
          const rest = resumes.file(cut);
          const resumed = await resumes.resume(directory, [rest], options);
          // A part may have no event at all.
          const state = resumed.resumption.channels[0]?.state ?? 'ahead';
          if (state === 'same') {
            // Who comes late to a product of T7 joins it by a snapshot, which all of the input does not need.
            if (feed !== 'eobi')
              expect(withoutReceive(resumed.events)).toEqual(withoutReceive(whole.events.slice(events)));
            expect(resumed.hashes).toEqual(whole.hashes);
          } else if (state === 'hole') {
            expect(resumed.events.find(({ channel }) => channel === 0)).toMatchObject({ kind: KIND_GAP });
            // Wrong books say so; a snapshot behind the hole has made them right.
            const { stale, books } = resumed.books.markets[0]!;
            if (books > 0 && !stale.some((mark) => mark === 1)) expect(resumed.hashes).toEqual(whole.hashes);
          } else if (feed !== 'eobi') expect(resumed.events).toEqual([]);
        },
      ),
      { numRuns: 12 },
    );
  });
});

/** Lines have clocks of their own; the venue time of some feeds is that of arrival. */
function withoutReceive(events: readonly Event[]): object[] {
  return events.map(({ receive, venue, ...event }) => ({
    ...event,
    venue: venue === receive ? null : venue,
  }));
}
