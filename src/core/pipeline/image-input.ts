import { stateHash } from '../book/state-hash.ts';
import { MdxError } from '../errors.ts';
import type { FrameReader } from '../journal/frame-reader.ts';
import { ImageLoader } from '../journal/image-loader.ts';
import type { ChannelPlace } from '../journal/image-payload.ts';
import type { SegmentReader } from '../journal/segment-reader.ts';
import type { Books } from './books.ts';

/** The image that books began with. */
export interface ImageFacts {
  /** The last event that is in it, by its number in the stream. */
  readonly event: number;
  /** Orders and price levels. */
  readonly records: number;
  /** When its segment began, ns since 1970; null = not told. */
  readonly written: bigint | null;
  readonly channels: readonly ChannelPlace[];
}

/**
 * The image that an input begins with → books. Of one that is not whole, or not what it sums up to, nothing stays. Later
 * images of the input say what the books are already.
 */
export class ImageInput {
  /** What reports tell of it; null until it is whole. */
  facts: ImageFacts | null = null;
  /** What follows the image has come. */
  isOver = false;
  #books: Books | null = null;
  #loader: ImageLoader | null = null;

  /** Nothing of it was taken yet. */
  get isFirst(): boolean {
    return this.#loader === null;
  }

  /** Takes the frame that was read last. @returns what is wrong with it, or null. */
  take(books: Books, view: DataView, reader: SegmentReader): string | null {
    this.#books = books;
    this.#loader ??= new ImageLoader(books, reader.books);
    const { frames } = reader;
    const problem = this.#loader.take(view, frames) ?? this.#placeProblem(frames) ?? this.#sumProblem(books);
    const { head, end, entries } = this.#loader;
    if (problem !== null) this.close();
    else if (end !== null) {
      const { wallTime } = reader.head!;
      const written = wallTime === 0n ? null : wallTime;
      const { nextEvent, channels } = head!;
      this.facts = { event: nextEvent - 1, records: entries, written, channels };
    }
    return problem;
  }

  /** What follows the image is about to come, or nothing. @returns what is wrong with the image, or null. */
  close(): string | null {
    this.isOver = true;
    if (this.#loader === null || this.facts !== null) return null;
    this.#books!.markets.length = 0;
    return 'an image that does not end';
  }

  #placeProblem({ eventNumber }: FrameReader): string | null {
    const { nextEvent } = this.#loader!.head!;
    return nextEvent === eventNumber
      ? null
      : `an image in front of event ${nextEvent}, where event ${eventNumber} comes next`;
  }

  /** Are the books what the image says they sum up to? Not known where only some of them were wanted. */
  #sumProblem(books: Books): string | null {
    const { end } = this.#loader!;
    if (end === null || books.isPart) return null;
    const wrong = end.sums.find(({ source, version, hash }) => {
      if (version === 0) return false;
      const found = stateHash(books.marketOf(source));
      return found.version !== version || found.hash !== hash;
    });
    return wrong === undefined
      ? null
      : `an image whose books of source ${wrong.source} have another state hash`;
  }
}

/** Books that have something already cannot begin with an image. */
export function imageBehind(path: string): MdxError {
  return new MdxError('input-order', `reading ${path}: it begins with an image of all books`, {
    hint: 'Leave out the files in front of it: what they bring is in the image.',
  });
}
