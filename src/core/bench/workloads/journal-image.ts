import { itch } from '../../feeds/itch/index.ts';
import { IMAGE_RECORD_WORDS } from '../../journal/image-records.ts';
import { ImageTaker } from '../../journal/image-taker.ts';
import { Books } from '../../pipeline/books.ts';
import { threadCpuNs } from '../cpu-time.ts';
import { TimedEvents } from '../journal-maker.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { syntheticDictionary } from './synthetic.ts';

/** A slice of an image is asked to end after so long. */
const SLICE_MS = 0.25;
const EVENTS_BETWEEN = 256;

/** The longest that the stream waits for an image while it is taken in slices, events going on between them. */
export function imagePause(options: WorkloadOptions): Workload {
  const live = options.events;
  const books = new Books(itch.rules, syntheticDictionary(), null, []);
  const source = new TimedEvents(live);
  for (let made = 0; made < live; made = source.events) books.accept(source.next(true, live - made));
  let records = 0;
  const copy = new Int32Array(16_384 * IMAGE_RECORD_WORDS);
  const taker = new ImageTaker(books.dictionary, (words, count) => {
    copy.set(words.subarray(0, count * IMAGE_RECORD_WORDS));
    records += count;
  });
  books.takers.push(taker);
  const clock = (): number => performance.now();
  const timed = (work: () => void): number => {
    const before = threadCpuNs();
    work();
    return threadCpuNs() - before;
  };
  return {
    units: 1,
    bytes: null,
    note: `${live} orders, slices of ${SLICE_MS} ms, ${EVENTS_BETWEEN} events between two; CPU time`,
    reset() {
      records = 0;
    },
    run() {},
    measure() {
      let longest = 0;
      while (!taker.prepare());
      longest = timed(() => taker.begin(books.markets));
      const slice = (): void => void taker.sliceUntil(clock() + SLICE_MS, clock);
      while (taker.isTaking) {
        longest = Math.max(longest, timed(slice));
        books.accept(source.next(false, EVENTS_BETWEEN));
      }
      if (records < live / 2) throw new Error(`an image of ${records} records`);
      return longest;
    },
    waits: true,
    checksum: () => null,
  };
}
