import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Market } from '../book/market.ts';
import { EventBatch } from '../event/batch.ts';
import { RECORD_WORDS, WORD_RECEIVE_TIME, WORD_VENUE_TIME } from '../event/record.ts';
import { itch } from '../feeds/itch/index.ts';
import { type JournalOptions, JournalWriter } from '../journal/journal-writer.ts';
import { NODE_DISK } from '../journal/node-disk.ts';
import type { SegmentHead } from '../journal/payload.ts';
import { EventSource } from './event-stream.ts';
import { INSTRUMENTS, SEED, syntheticDictionary } from './workloads/synthetic.ts';

/** 2025-09-24 09:30:00 in New York, ns since 1970, and the time from one event to the next. */
export const OPEN_NS = 1_758_720_600_000_000_000n;
export const EVENT_GAP_NS = 1000;

/** As `mdx replay -o DIR/` writes it, unless said otherwise. */
export const SEGMENT_BYTES = 256_000_000;
export const SEGMENT_EVENTS = 5_000_000;

export interface JournalPlan {
  /** Live orders that the books fill up to, and events behind that. */
  readonly live: number;
  readonly events: number;
  readonly segmentEvents?: number;
  /** A segment begins when so many events are left; null: where it is due. */
  readonly lastSegment?: number | null;
}

/** A folder for the journals of a workload. */
export class BenchFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'mdx-bench-journal-'));

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function journalOptions(directory: string, changes: Partial<JournalOptions> = {}): JournalOptions {
  return {
    disk: NODE_DISK,
    directory,
    version: 'bench',
    bootId: randomBytes(16).toString('hex'),
    wallTime: () => BigInt(Date.now()) * 1_000_000n,
    now: () => performance.now(),
    fsync: { kind: 'interval', ms: 100 },
    commitMs: 10,
    segmentBytes: SEGMENT_BYTES,
    segmentEvents: SEGMENT_EVENTS,
    keepBytes: null,
    keepNs: null,
    compress: false,
    minFreeBytes: 0,
    tell: () => {},
    ...changes,
  };
}

export const ABOUT: Pick<SegmentHead, 'timeBase' | 'sources'> = {
  timeBase: 'utc',
  sources: [{ feed: itch.name, name: itch.name }],
};

/** Batches of synthetic events, one after the other, with the times of a day; nothing is allocated per batch. */
export class TimedEvents {
  readonly batch: EventBatch = new EventBatch();
  /** Events so far. */
  events = 0;
  readonly #source: EventSource;

  constructor(live: number) {
    this.#source = new EventSource({ instruments: INSTRUMENTS, live, seed: SEED, shape: 'touch' });
  }

  /** Makes the next batch, of at most `most` events. */
  next(filling: boolean, most: number): EventBatch {
    const { batch } = this;
    batch.count = 0;
    const made = filling ? this.#source.fill(batch, most) : this.#source.steady(batch, most);
    const base = OPEN_NS + BigInt(this.events) * BigInt(EVENT_GAP_NS);
    batch.venueBaseHigh = Number(base >> 32n);
    batch.venueBaseLow = Number(BigInt.asIntN(32, base));
    batch.receiveBaseHigh = batch.venueBaseHigh;
    batch.receiveBaseLow = batch.venueBaseLow;
    for (let index = 0; index < batch.count; index += 1) {
      batch.words[index * RECORD_WORDS + WORD_VENUE_TIME] = index * EVENT_GAP_NS;
      batch.words[index * RECORD_WORDS + WORD_RECEIVE_TIME] = index * EVENT_GAP_NS;
    }
    this.events += made;
    return batch;
  }
}

/** Writes a journal of synthetic events as fast as the machine allows. @returns its events. */
export function makeJournal(directory: string, plan: JournalPlan): number {
  const { live, events, segmentEvents = SEGMENT_EVENTS, lastSegment = null } = plan;
  const market = new Market(itch.rules, syntheticDictionary());
  const options = journalOptions(directory, { fsync: { kind: 'never' }, segmentEvents });
  const writer = JournalWriter.open(options, 'replace');
  writer.begin(ABOUT, {
    markets: [market],
    dictionary: market.dictionary,
    places: () => ({ busCursor: 0, channels: [] }),
  });
  const source = new TimedEvents(live);
  const total = live + events;
  let hasRolled = lastSegment === null;
  while (source.events < total) {
    const filling = source.events < live;
    const batch = source.next(filling, (filling ? live : total) - source.events);
    writer.append(batch, 0, batch.count);
    market.apply(batch);
    if (!hasRolled && total - source.events <= lastSegment!) {
      writer.roll();
      hasRolled = true;
    } else writer.tick();
    while (writer.work());
  }
  writer.close();
  if (writer.failure !== null) throw writer.failure;
  return source.events;
}
