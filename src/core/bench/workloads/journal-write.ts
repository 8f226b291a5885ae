import { join } from 'node:path';
import { Market } from '../../book/market.ts';
import { itch } from '../../feeds/itch/index.ts';
import type { EventJournal } from '../../journal/event-journal.ts';
import { JournalWriter } from '../../journal/journal-writer.ts';
import { ThreadedJournal } from '../../journal/threaded-journal.ts';
import { processCpuNs, threadCpuNs } from '../cpu-time.ts';
import { ABOUT, BenchFolder, journalOptions, TimedEvents } from '../journal-maker.ts';
import { inSteps } from '../steps.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { LIVE, syntheticDictionary } from './synthetic.ts';

/** Events in memory that are written again and again: what a decoder leaves in the cache. */
const TAPE_BATCHES = 16;
const EVENTS_PER_BATCH = 1000;
/** Half of what the ring has room for. */
const BATCHES_PER_BURST = 128;
const BATCHES_PER_STEP = 16;
/** What a run writes is removed soon. */
const KEEP_BYTES = 600_000_000;

/** How the threads of a run share its CPU time. */
export type Side = 'engine' | 'all';

/** Events to a journal on a thread of its own: what that costs whoever has the events, or all threads together. */
export async function writeOnThread(options: WorkloadOptions, side: Side): Promise<Workload> {
  const folder = new BenchFolder();
  const directory = join(folder.path, 'j');
  const {
    disk: _,
    wallTime: __,
    now: ___,
    tell,
    ...plain
  } = journalOptions(directory, {
    keepBytes: KEEP_BYTES,
  });
  const journal = await ThreadedJournal.open(plain, 'replace', tell);
  const tape = tapeOn(journal, options.events);
  /** A burst that the ring has room for; then the thread gets it done. */
  const burst = (from: number, to: number): number => {
    const whole = processCpuNs();
    const own = threadCpuNs();
    tape.append(from, to);
    const mine = threadCpuNs() - own;
    while (journal.waiting > 0 && journal.failure === null) nap();
    return side === 'engine' ? mine : processCpuNs() - whole;
  };
  return {
    units: tape.units,
    bytes: null,
    note:
      side === 'engine'
        ? 'CPU time of the thread that has the events: a copy into a ring of 10 MB'
        : 'CPU time of all threads: copies, frames, sums, writing to the temporary folder, a sync every 100 ms',
    reset() {},
    run: () => tape.append(0, Math.min(tape.batches, BATCHES_PER_BURST)),
    measure() {
      let ns = 0;
      for (let from = 0; from < tape.batches; from += BATCHES_PER_BURST) {
        ns += burst(from, Math.min(tape.batches, from + BATCHES_PER_BURST));
      }
      return ns;
    },
    checksum: () => null,
    close: () => folder.remove(),
  };
}

/** The same on the thread that has the events, as for files. */
export function writeHere(options: WorkloadOptions): Workload {
  const folder = new BenchFolder();
  const directory = join(folder.path, 'j');
  const journal = JournalWriter.open(journalOptions(directory, { keepBytes: KEEP_BYTES }), 'replace');
  const tape = tapeOn(journal, options.events);
  return {
    units: tape.units,
    bytes: null,
    note: null,
    reset() {},
    run() {
      tape.append(0, tape.batches);
      journal.commit();
    },
    checksum: () => null,
    close: () => folder.remove(),
  };
}

interface Tape {
  readonly units: number;
  readonly batches: number;
  /** Appends the batches `from` … `to − 1` of a run. */
  append(from: number, to: number): void;
}

function tapeOn(journal: EventJournal, wanted: number): Tape {
  const market = new Market(itch.rules, syntheticDictionary());
  journal.begin(ABOUT, {
    markets: [market],
    dictionary: market.dictionary,
    places: () => ({ busCursor: 0, channels: [] }),
  });
  const source = new TimedEvents(LIVE);
  for (let made = 0; made < LIVE; made = source.events) source.next(true, LIVE - made);
  const tape = Array.from({ length: TAPE_BATCHES }, () => {
    const { words, ...rest } = source.next(false, EVENTS_PER_BATCH);
    return { ...rest, words: words.slice() };
  });
  const batches = Math.ceil(wanted / EVENTS_PER_BATCH);
  const step = (from: number, to: number): void => {
    for (let index = from; index < to; index += 1) {
      journal.append(tape[index % TAPE_BATCHES]!, 0, EVENTS_PER_BATCH);
    }
    journal.tick();
    if (journal.failure !== null) throw journal.failure;
  };
  return {
    units: batches * EVENTS_PER_BATCH,
    batches,
    append: (from, to) =>
      inSteps(to - from, BATCHES_PER_STEP, (first, end) => step(from + first, from + end)),
  };
}

const NAP: Int32Array = new Int32Array(new SharedArrayBuffer(4));

function nap(): void {
  Atomics.wait(NAP, 0, 0, 1);
}
