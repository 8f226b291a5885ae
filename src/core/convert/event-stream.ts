import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Feed } from '../feeds/feed.ts';
import type { Epoch } from '../journal/frame.ts';
import { firstHead } from '../journal/payload.ts';
import { SegmentWriter } from '../journal/segment-writer.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { ChunkSink, Conversion } from './conversion.ts';

/** The events alone decide the bytes. */
const NO_EPOCH: Epoch = { high: 0, low: 0 };

export interface EventStreamOptions {
  /** Of the mdx that writes. */
  readonly version: string;
  /** Events wait at most so long for their frame to fill, ms; null: frames are cut by the events alone. */
  readonly commitMs: number | null;
}

/** Writes events as one unbroken segment of a journal: what another process reads them from, and a file of them. */
export class EventStream implements Conversion {
  readonly startsEmpty = true;
  readonly #writer: SegmentWriter;
  readonly #options: EventStreamOptions;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #opened = false;
  #timer: NodeJS.Timeout | null = null;
  #failure: unknown = null;

  constructor(sink: ChunkSink, options: EventStreamOptions) {
    this.#writer = new SegmentWriter(sink, NO_EPOCH);
    this.#options = options;
  }

  get written(): number {
    return this.#writer.events;
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, from: number, to: number, { dictionary }: Market): void {
    this.#open();
    this.#writer.append(batch, from, to, dictionary);
  }

  flush(): void {
    if (this.#failure !== null) throw this.#failure;
    const { commitMs } = this.#options;
    if (commitMs !== null) this.#timer ??= setTimeout(() => this.#commit(), commitMs).unref();
  }

  finish(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#open();
    this.#writer.close();
  }

  #commit(): void {
    this.#timer = null;
    try {
      this.#writer.cut();
    } catch (error) {
      // Told where the run can end in order.
      this.#failure = error;
    }
  }

  /** What the head says is known with the first event. */
  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    const feed = this.#feed;
    const sources = feed === null ? [] : [{ feed: feed.name, name: feed.name }];
    const timeBase = this.#run?.timeBase ?? 'utc';
    this.#writer.open(firstHead({ sources, timeBase, version: this.#options.version }));
  }
}
