import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { FLAG_LAST, KIND_GAP, KIND_RESET, KIND_SESSION, NO_BOOK } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { indexName, segmentFiles } from '../../../src/core/journal/directory.ts';
import { buildIndex } from '../../../src/core/journal/index-builder.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import { writeIndex } from '../../../src/core/journal/segment-index.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { Until } from '../../../src/core/pipeline/until.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { EventRecorder, type Seen, stateOf } from '../../world/event-recorder.ts';
import { type BuiltJournal, buildJournal } from '../../world/journals.ts';
import { ReferenceMarket } from '../../world/reference-book.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-seek-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KINDS = ['time', 'venue', 'sequence', 'event'] as const;
const POINTS = 20;
const SEED = 20_260_107;

/** A point, and how many events come up to it. */
interface Point {
  readonly until: Until;
  readonly upTo: number;
}

function isBeyond(until: Until, { channel, sequence, time, venue }: Seen, event: number): boolean {
  if (until.kind === 'event') return event > until.event;
  if (until.kind === 'sequence') return channel === until.channel && sequence > until.sequence;
  const point = (BigInt(until.high) << 32n) | BigInt(until.low >>> 0);
  return (until.kind === 'time' ? time : venue) > point;
}

/** Points in and beside events anywhere in a session. */
function pointsIn(seen: readonly Seen[], random: Random): Point[] {
  return KINDS.flatMap((kind) =>
    Array.from({ length: POINTS }, (): Point => {
      const index = random.below(seen.length);
      const { channel, sequence, time, venue } = seen[index]!;
      const beside = random.below(3) - 1;
      const at = (kind === 'venue' ? venue : time) + BigInt(beside);
      const until: Until =
        kind === 'sequence'
          ? { kind, channel, sequence: Math.max(0, sequence + beside) }
          : kind === 'event'
            ? { kind, event: index + 1 + beside }
            : { kind, high: bigHigh(at), low: bigLow(at) };
      const beyond = seen.findIndex((each, event) => isBeyond(until, each, event + 1));
      return { until, upTo: beyond < 0 ? seen.length : beyond };
    }),
  );
}

/** What is in the books after the last whole groups among the first so many events, for ascending numbers of events. */
function* referenceStates(
  seen: readonly Seen[],
  rules: BookRules,
  counts: readonly number[],
): Generator<string[]> {
  const reference = new ReferenceMarket(rules);
  const open = new Map<number, Seen[]>();
  let done = 0;
  for (const count of counts) {
    for (; done < count; done += 1) {
      const each = seen[done]!;
      const { kind, book, flags = 0 } = each.event;
      const concernsAll = [KIND_GAP, KIND_RESET, KIND_SESSION].includes(kind) && book === NO_BOOK;
      const group = rules.groupScope === 'source' ? 0 : book;
      open.set(group, [...(open.get(group) ?? []), each]);
      if (!concernsAll && (flags & FLAG_LAST) === 0) continue;
      for (const [key, events] of concernsAll ? [...open] : [[group, open.get(group)!] as const]) {
        for (const { event } of events) reference.apply(event);
        open.delete(key);
      }
    }
    yield reference.state();
  }
}

/** Puts an index beside most segments; of the others it is found out what it would say. */
function indexSome({ directory }: BuiltJournal): void {
  for (const file of segmentFiles(NODE_DISK.list(directory))) {
    if (file.number % 4 === 2) continue;
    const bytes = openSegmentBytes(NODE_DISK, directory, file);
    writeFileSync(join(directory, indexName(file.number)), writeIndex(buildIndex(bytes)));
    bytes.close();
  }
}

const lastOf = ({ books: { last } }: RunResult): object => ({
  channel: last.channel,
  base: last.sequenceBase,
  words: [...last.words.subarray(0, last.count * 10)],
});

/** Compares the books at random points of a journal with those of the reference, and of the input it was made of. */
async function compare(
  input: string,
  name: string,
  segmentEvents: number,
  batchEvents: number,
): Promise<void> {
  const recorder = new EventRecorder();
  const whole = await run(runOptions([input], { observers: [recorder] }));
  const { seen } = recorder;
  const { rules } = whole.books.markets[0]!;
  const journal = await buildJournal(join(folder, name), [input], {
    segmentEvents,
    options: { batchEvents },
  });
  expect(journal.events).toBe(seen.length);
  expect(journal.firstEvents.length).toBeGreaterThan(5);
  indexSome(journal);
  const points = pointsIn(seen, new Random(SEED)).sort((a, b) => a.upTo - b.upTo);
  const states = referenceStates(
    seen,
    rules,
    points.map(({ upTo }) => upTo),
  );
  let segments = 0;
  for (const [index, { until, upTo }] of points.entries()) {
    const label = `seed ${SEED}: ${JSON.stringify(until)}, ${upTo} events`;
    const there = await run(runOptions([journal.directory], { seeks: true, stopAt: until }));
    expect(stateOf(there.books.markets[0]), label).toEqual(states.next().value);
    expect(there.damage).toEqual([]);
    expect(there.stopped, label).toBe(upTo === seen.length ? null : 'until');
    segments = Math.max(segments, there.inputs[0]!.bytes / Math.max(...journal.bytes));
    if (until.kind === 'event' || index % 3 > 0) continue;
    const here = await run(runOptions([input], { stopAt: until }));
    expect(stateOf(there.books.markets[0]), label).toEqual(stateOf(here.books.markets[0]));
    expect(there.books.markets[0]?.stale.subarray(0, 8)).toEqual(here.books.markets[0]?.stale.subarray(0, 8));
    expect(lastOf(there), label).toMatchObject({ channel: here.books.last.channel });
  }
  // The cost does not grow with the session.
  expect(segments).toBeLessThanOrEqual(3);
}

describe('the books at a point of a journal are those of the naive book, and of the input', () => {
  it.skipIf(DATA === null)('in a real DBN session', async () => {
    await compare(dataPath('dbn/CLX5_mbo.dbn'), 'clx5', 3000, 64);
  });

  it.each([
    ['itch', 'pcap', 7],
    ['eobi', 'pcap', 5],
    ['itch', 'dbn', 4],
  ] as const)('in a simulated session (%s as %s, batches of %i)', async (feed, format, batchEvents) => {
    const path = join(folder, `${feed}-${batchEvents}.${format}`);
    const profile = { messages: 2500, instruments: 4, ordersLive: 100 };
    writeFileSync(path, play({ feed, format, seed: 21, profile }).a);
    await compare(path, `${feed}-${format}-${batchEvents}`, 150, batchEvents);
  });
});
