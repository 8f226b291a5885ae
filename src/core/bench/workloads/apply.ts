import { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import { itch } from '../../feeds/itch/index.ts';
import { type EventStream, makeEventStream, type Shape } from '../event-stream.ts';
import { ObjectBook } from '../object-book.ts';
import { inSteps } from '../steps.ts';
import type { Checksum, Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, marketChecksum, SEED, syntheticDictionary } from './synthetic.ts';

const BATCHES_PER_STEP = 16;

/** What both kinds of book can do. */
interface AnyBook {
  apply(batch: EventBatch, from?: number, to?: number): void;
}

/** Records applied to a filled book: `Market`. */
export function applyToMarket(options: WorkloadOptions, live: number, shape: Shape): Workload {
  return applyTo(options, live, shape, () => new Market(itch.rules, syntheticDictionary()), marketChecksum);
}

/** The same records applied to the book of objects. */
export function applyToObjects(options: WorkloadOptions, live: number, shape: Shape): Workload {
  return applyTo(
    options,
    live,
    shape,
    () => new ObjectBook(),
    (book) => book.checksum(),
  );
}

function applyTo<B extends AnyBook>(
  options: WorkloadOptions,
  live: number,
  shape: Shape,
  make: () => B,
  checksum: (book: B) => Checksum,
): Workload {
  const stream: EventStream = makeEventStream({
    instruments: INSTRUMENTS,
    live,
    events: options.events,
    seed: SEED,
    shape,
  });
  let book = make();
  let batchAt = 0;
  let recordAt = 0;
  const applyBatches = (from: number, to: number): void => {
    for (let batch = from; batch < to; batch += 1) book.apply(stream.steady[batch]!);
  };
  return {
    units: options.events,
    bytes: null,
    note: null,
    reset() {
      book = make();
      for (const batch of stream.fill) book.apply(batch);
      batchAt = 0;
      recordAt = 0;
    },
    run() {
      inSteps(stream.steady.length, BATCHES_PER_STEP, applyBatches);
    },
    checksum: () => checksum(book),
    one() {
      const batch = stream.steady[batchAt]!;
      book.apply(batch, recordAt, recordAt + 1);
      recordAt += 1;
      if (recordAt < batch.count) return;
      recordAt = 0;
      batchAt += 1;
    },
  };
}
