import { deserialize, serialize } from 'node:v8';
import type { BookDefinition } from '../event/dictionary.ts';
import { getU64, putU64 } from './frame.ts';
import type { Checkpoint, SourceSum } from './image-payload.ts';
import type { ImageShape } from './image-sums.ts';
import type { StreamPlace } from './image-writer.ts';
import { ENTRY_BYTES_MAX, readBooks, type SegmentHead, writeBook } from './payload.ts';

/*
 * What goes through the ring of a journal besides events (kind 2):
 *
 *     3 books       u64 how many · entries as in a dictionary frame
 *     4 standing    a Standing: what the books are behind all events in front of it
 *     5 image       records of the image that belongs to the last standing
 *     6 image end   the sums of that image; none where they are to be made of its records
 *     7 abandon     nothing: the directory is given back, the last segment stays open
 */
export const RING_BOOKS = 3;
export const RING_STANDING = 4;
export const RING_IMAGE = 5;
export const RING_IMAGE_END = 6;
export const RING_ABANDON = 7;

export interface Standing {
  /** The first segment begins, the next one does, or the journal ends, of which there is no image but sums. */
  readonly what: 'begin' | 'roll' | 'close';
  readonly about: Pick<SegmentHead, 'timeBase' | 'sources'> | null;
  readonly place: StreamPlace;
  readonly counts: Pick<Checkpoint, 'orders' | 'levels'>;
  readonly sums: readonly SourceSum[];
  readonly shape: ImageShape;
}

const BOOKS_HEAD_BYTES = 8;
/** Bytes of a message of books at most. */
const BOOKS_BYTES_MAX = 16_384;

/** @returns messages that tell these books. */
export function booksMessages(books: readonly BookDefinition[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const view = new DataView(new ArrayBuffer(BOOKS_BYTES_MAX));
  let next = BOOKS_HEAD_BYTES;
  let count = 0;
  const end = (): void => {
    if (count === 0) return;
    putU64(view, 0, count);
    messages.push(new Uint8Array(view.buffer.slice(0, next)));
    next = BOOKS_HEAD_BYTES;
    count = 0;
  };
  for (const book of books) {
    next += writeBook(view, next, book);
    count += 1;
    if (next + ENTRY_BYTES_MAX > BOOKS_BYTES_MAX) end();
  }
  end();
  return messages;
}

export function readBooksMessage(bytes: Uint8Array): BookDefinition[] {
  // Texts are read from bytes that nobody shares.
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  const length = copy.length - BOOKS_HEAD_BYTES;
  const books = readBooks(view, BOOKS_HEAD_BYTES, length, getU64(view, 0));
  if (typeof books === 'string') throw new RangeError(`a message of books: ${books}`);
  return books;
}

export function standingMessage(standing: Standing): Uint8Array {
  return serialize(standing);
}

export function readStanding(bytes: Uint8Array): Standing {
  return deserialize(Uint8Array.from(bytes)) as Standing;
}

export function sumsMessage(sums: readonly SourceSum[] | null): Uint8Array {
  return serialize(sums);
}

export function readSums(bytes: Uint8Array): readonly SourceSum[] | null {
  return deserialize(Uint8Array.from(bytes)) as readonly SourceSum[] | null;
}
