import { copyOf, type EventBatch, eventsIn } from '../event/batch.ts';
import { RECORD_BYTES } from '../event/record.ts';
import { FRAME_HEADER_BYTES, FRAME_IMAGE, IMAGE_END, IMAGE_HEAD } from '../journal/frame.ts';
import { IMAGE_RECORD_BYTES, writeImageEnd, writeImageHead } from '../journal/image-payload.ts';
import { IMAGE_RECORD_WORDS } from '../journal/image-records.ts';
import { ImageTaker } from '../journal/image-taker.ts';
import type { StreamPlace } from '../journal/image-writer.ts';
import type { SegmentWriter } from '../journal/segment-writer.ts';
import type { Books } from '../pipeline/books.ts';

const CLOCK = (): number => performance.now();

/**
 * The image of all books that a segment begins with, taken a slice at a time while events go on: those are kept until
 * the image is whole, and follow it.
 */
export class TapImage {
  /** Bytes of the image, about, and of the events that wait for its end. */
  readonly bytes: number;
  behindBytes = 0;
  /** The same as a number. */
  behindEvents = 0;
  readonly #books: Books;
  readonly #writer: SegmentWriter;
  readonly #taker: ImageTaker;
  readonly #behind: EventBatch[] = [];
  /** The batch that follows next; undefined while the image is not whole. */
  #next: number | undefined;

  /** Begins with the books as they are, in front of the event that the writer would number next. */
  constructor(books: Books, writer: SegmentWriter, place: StreamPlace) {
    this.#books = books;
    this.#writer = writer;
    const { dictionary, markets } = books;
    const { frames } = writer;
    writer.tell(dictionary);
    for (const channel of place.channels) writer.goOn(channel);
    const head = { ...place, nextEvent: frames.eventNumber };
    frames.write(FRAME_IMAGE, writeImageHead(frames.view, FRAME_HEADER_BYTES, head), 0, 0, IMAGE_HEAD);
    this.#taker = new ImageTaker(dictionary, (words, records) => {
      frames.words.set(words.subarray(0, records * IMAGE_RECORD_WORDS));
      frames.write(FRAME_IMAGE, records * IMAGE_RECORD_BYTES, records, 0);
    });
    this.#taker.begin(markets);
    const entries = markets.reduce((sum, { orders, levels }) => sum + orders.live + levels.inUse, 0);
    this.bytes = entries * IMAGE_RECORD_BYTES;
    books.takers.push(this.#taker);
  }

  /** Keeps records of a batch that are about to be applied. */
  keep(batch: EventBatch, from: number, to: number): void {
    const copy = copyOf(batch, from, to);
    this.#behind.push(copy);
    this.behindBytes += copy.count * RECORD_BYTES;
    this.behindEvents += eventsIn(copy, 0, copy.count);
  }

  /** Goes on until `until`, ms of `performance.now`. @returns whether the image is whole, and what waited follows it. */
  slice(until: number): boolean {
    if (this.#next === undefined) {
      if (!this.#taker.sliceUntil(until, CLOCK)) return false;
      this.#end();
      this.#next = 0;
    }
    const { dictionary } = this.#books;
    for (; this.#next < this.#behind.length; this.#next += 1) {
      if (CLOCK() >= until) return false;
      const batch = this.#behind[this.#next]!;
      this.behindBytes -= batch.count * RECORD_BYTES;
      this.behindEvents -= eventsIn(batch, 0, batch.count);
      this.#writer.append(batch, 0, batch.count, dictionary);
    }
    this.#writer.cut();
    return true;
  }

  #end(): void {
    this.leave();
    const { frames } = this.#writer;
    const sums = this.#books.markets.map((_, source) => ({ source, version: 0 as const, hash: 0n }));
    const end = { records: this.#taker.written, sums };
    frames.write(FRAME_IMAGE, writeImageEnd(frames.view, FRAME_HEADER_BYTES, end), 0, 0, IMAGE_END);
  }

  /** Nothing more is taken. */
  leave(): void {
    const { takers } = this.#books;
    const at = takers.indexOf(this.#taker);
    if (at >= 0) takers.splice(at, 1);
  }
}
