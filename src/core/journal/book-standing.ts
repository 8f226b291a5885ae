import type { Market } from '../book/market.ts';
import type { FrameWriter } from './frame.ts';
import type { Checkpoint, SourceSum } from './image-payload.ts';
import type { RecordSink } from './image-records.ts';
import type { ImageTaker } from './image-taker.ts';
import { type StreamPlace, sumsOf, writeImage } from './image-writer.ts';
import type { KnownBooks } from './segment-writer.ts';

/** What the books are now, behind everything appended: asked for when a segment begins or is closed. */
export interface JournalBooks {
  /** By source. */
  readonly markets: readonly Market[];
  readonly dictionary: KnownBooks;
  /** Where each channel stands; the last message of its events is known to the writer. */
  places(): StreamPlace;
  /** Absent: an image is taken at once. */
  readonly slices?: SlicedImages;
}

/** How an image is taken while events go on. */
export interface SlicedImages {
  /** Each channel is a source of its own. */
  readonly perChannel: boolean;
  /** A taker that is told what events will change before they are applied. */
  taker(sink: RecordSink): ImageTaker;
}

/** The same, wherever the books are. */
export interface BookStanding {
  readonly dictionary: KnownBooks;
  places(): StreamPlace;
  counts(): Pick<Checkpoint, 'orders' | 'levels'>;
  sums(): readonly SourceSum[];
  /** Writes the image, as it is in front of the event that `frames` would number next. */
  writeImage(frames: FrameWriter, place: StreamPlace): void;
}

/** The standing of books that are on this thread. */
export class MarketStanding implements BookStanding {
  readonly #books: JournalBooks;

  constructor(books: JournalBooks) {
    this.#books = books;
  }

  get dictionary(): KnownBooks {
    return this.#books.dictionary;
  }

  places(): StreamPlace {
    return this.#books.places();
  }

  counts(): Pick<Checkpoint, 'orders' | 'levels'> {
    const { markets } = this.#books;
    return {
      orders: markets.reduce((sum, { orders }) => sum + orders.live, 0),
      levels: markets.reduce((sum, { levels }) => sum + levels.inUse, 0),
    };
  }

  sums(): readonly SourceSum[] {
    return sumsOf(this.#books.markets);
  }

  writeImage(frames: FrameWriter, place: StreamPlace): void {
    writeImage(frames, this.#books.markets, place);
  }
}
