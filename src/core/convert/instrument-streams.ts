import { randomFillSync } from 'node:crypto';
import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import { FLAG_EXTENDED, NO_BOOK, RECORD_WORDS, WORD_BOOK } from '../event/record.ts';
import type { Feed } from '../feeds/feed.ts';
import { firstHead } from '../journal/payload.ts';
import { type KnownBooks, SegmentWriter } from '../journal/segment-writer.ts';
import type { RunFacts } from '../pipeline/books.ts';
import { EventBatcher } from '../pipeline/zeromq/event-batches.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import type { EventStreamOptions } from './event-stream.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
/** Frames of one instrument are short, so that thousands of them fit into memory. */
const FRAME_BYTES = 4096;

/** The stream of one instrument: its events through frames into segments that can each be read alone. */
interface InstrumentStream {
  readonly writer: SegmentWriter;
  readonly batcher: EventBatcher;
  readonly books: KnownBooks;
  readonly channel: number;
}

/**
 * Writes the events of every instrument as a stream of its own, segment by segment: an event goes to the book that it
 * names or whose order it names. What concerns a channel goes to each of its instruments that had an event before. An
 * event of no known book goes to none, and is counted.
 */
export class InstrumentStreams implements Conversion {
  readonly startsEmpty = true;
  written = 0;
  /** Events that no instrument's stream has. */
  lossy = 0;
  readonly #sink: ChunkSink;
  readonly #options: EventStreamOptions;
  readonly #streams: (InstrumentStream | undefined)[] = [];
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failure: unknown = null;

  constructor(sink: ChunkSink, options: EventStreamOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  before(batch: EventBatch, at: number, market: Market, said: number): void {
    const { words } = batch;
    const book = words[at + WORD_BOOK]!;
    const record = at / RECORD_WORDS;
    const end = record + ((words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
    words[at + WORD_BOOK] = said;
    if (book !== NO_BOOK) {
      this.#streams[book] ??= this.#open(book, market);
      append(this.#streams[book], batch, record, end);
    } else {
      let streams = 0;
      for (const stream of this.#streams) {
        if (stream === undefined || stream.channel !== batch.channel) continue;
        append(stream, batch, record, end);
        streams += 1;
      }
      if (streams === 0) this.lossy += 1;
    }
    words[at + WORD_BOOK] = book;
    this.written += 1;
  }

  flush(): void {
    if (this.#failure !== null) throw this.#failure;
    const { commitMs } = this.#options;
    if (commitMs !== null) this.#timer ??= setTimeout(() => this.#commit(), commitMs).unref();
  }

  finish(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const stream of this.#streams) {
      if (stream === undefined) continue;
      stream.writer.cut();
      this.#sink(stream.batcher.end().payload);
    }
  }

  #open(book: number, { dictionary }: Market): InstrumentStream {
    const [high, low] = randomFillSync(new Int32Array(2)) as unknown as [number, number];
    const batcher = new EventBatcher({ high, low }, FRAME_BYTES, true);
    const take = (frame: Uint8Array): void => {
      for (const { payload } of batcher.add(frame)) this.#sink(payload);
    };
    const writer = new SegmentWriter(take, { high, low }, FRAME_BYTES);
    const { name } = this.#feed!;
    const timeBase = this.#run!.timeBase;
    writer.open(firstHead({ timeBase, version: this.#options.version, sources: [{ feed: name, name }] }));
    const definition = dictionary.books[book]!;
    const books = {
      books: [definition],
      get changes(): number {
        return dictionary.changes;
      },
    };
    return { writer, batcher, books, channel: definition.channel };
  }

  #commit(): void {
    this.#timer = null;
    try {
      for (const stream of this.#streams) stream?.writer.cut();
    } catch (error) {
      // Told where the run can end in order.
      this.#failure = error;
    }
  }
}

function append(stream: InstrumentStream, batch: EventBatch, from: number, to: number): void {
  stream.writer.append(batch, from, to, stream.books);
}
