import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import type { Disk } from '../../../src/core/journal/disk.ts';
import { type Epoch, FRAME_BYTES_MAX } from '../../../src/core/journal/frame.ts';
import { FRAME_END, FRAME_MORE } from '../../../src/core/journal/frame-reader.ts';
import { ImageLoader } from '../../../src/core/journal/image-loader.ts';
import type { SegmentHead } from '../../../src/core/journal/payload.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../../../src/core/journal/segment-reader.ts';
import type { Books } from '../../../src/core/pipeline/books.ts';
import { rowsOf, stateOf, type Workload } from './workload.ts';

/** What the files of a journal hold, read from the first frame to the last that is whole. */
export interface Recovery {
  /** Number that the first event has that is there; the image of the first segment holds what was before. */
  readonly firstEvent: number;
  readonly rows: string[];
  readonly books: Books;
  readonly segments: RecoveredSegment[];
  /** Where the last segment stops to make sense; null where it ends with a whole frame. */
  readonly tail: string | null;
}

export interface RecoveredSegment {
  readonly number: number;
  readonly epoch: Epoch;
  readonly head: SegmentHead | null;
  readonly isClosed: boolean;
  readonly isCompressed: boolean;
  /** The image at its head is whole. */
  readonly hasImage: boolean;
}

const window = new ByteWindow(FRAME_BYTES_MAX);

/**
 * Reads a journal frame by frame, in the plainest way: the image of the first segment and all events behind it. Throws
 * where an image is not what the events before it led to, where a segment is missing, or ends early and is not the last.
 */
export function recover(disk: Disk, directory: string, workload: Workload): Recovery {
  const books = workload.emptyBooks();
  const rows: string[] = [];
  const segments: RecoveredSegment[] = [];
  let firstEvent = 1;
  let tail: string | null = null;
  for (const file of segmentFiles(disk.list(directory))) {
    if (tail !== null) throw new Error(`${segments.at(-1)?.number}: ${tail}, and ${file.name} follows`);
    const { number, isCompressed } = file;
    if (segments.length > 0 && segments.at(-1)!.number !== number - 1)
      throw new Error(`none before ${number}`);
    const source = openSegmentBytes(disk, directory, file);
    const bytes = new Uint8Array(source.bytes);
    if (source.read(bytes, 0) !== bytes.length) throw new Error(`${file.name} is shorter than it says`);
    source.close();
    const isFirst = segments.length === 0;
    const image = isFirst ? books : workload.emptyBooks();
    const found = readSegment(bytes, books, image, rows, workload.isPerChannel);
    if (isFirst && found.image !== null) firstEvent = found.nextEvent;
    if (found.image !== null && found.nextEvent + found.events !== firstEvent + rows.length)
      throw new Error(`${file.name} begins with event ${found.nextEvent}`);
    if (found.image !== null && found.image !== found.before)
      throw new Error(`${file.name} begins with\n${found.image}\nbehind\n${found.before}`);
    tail = found.problem;
    segments.push({
      number,
      isCompressed,
      isClosed: found.isClosed,
      hasImage: found.image !== null,
      head: found.head,
      epoch: found.epoch,
    });
  }
  return { firstEvent, rows, books, segments, tail };
}

interface Read {
  /** Event that the image stands in front of; 0 where it did not arrive. */
  readonly nextEvent: number;
  readonly events: number;
  /** State of the image, null where it is not whole; and that of the books in front of it. */
  readonly image: string | null;
  readonly before: string;
  readonly head: SegmentHead | null;
  readonly epoch: Epoch;
  readonly isClosed: boolean;
  readonly problem: string | null;
}

/** Applies the events of a segment to `books`, behind loading its image into `image`. */
function readSegment(
  bytes: Uint8Array,
  books: Books,
  image: Books,
  rows: string[],
  isPerChannel: boolean,
): Read {
  window.reset();
  const reader = new SegmentReader(window, books.dictionary);
  const { frames } = reader;
  let before = '';
  let loader: ImageLoader | null = null;
  let loaded: string | null = null;
  let nextEvent = 0;
  let events = 0;
  let fed = 0;
  const batch = new EventBatch();
  for (;;) {
    const answer = reader.next();
    if (answer === FRAME_MORE) {
      const room = window.room();
      const part = bytes.subarray(fed, fed + room.length);
      room.set(part);
      window.commit(part.length);
      fed += part.length;
      window.ended = fed === bytes.length;
    } else if (answer === SEGMENT_BEGINS) before = stateOf(books);
    else if (answer === SEGMENT_IMAGE) {
      loader ??= new ImageLoader(
        {
          sourceOf: (book) => (isPerChannel ? books.dictionary.books[book]!.channel : 0),
          marketOf: (source) => image.marketOf(source),
        },
        reader.books,
      );
      const problem = loader.take(window.view, frames);
      if (problem !== null) throw new Error(problem);
      if (loader.end !== null) {
        nextEvent = loader.head!.nextEvent;
        for (const { number, ...key } of books.dictionary.books) image.dictionary.add(key);
        loaded = stateOf(image);
        if (image === books) before = loaded;
      }
    } else if (answer === SEGMENT_EVENTS) {
      while (reader.fill(batch, Number.POSITIVE_INFINITY, false) > 0) {
        const found = rowsOf(batch);
        events += found.length;
        rows.push(...found);
        books.accept(batch);
      }
    } else if (answer !== SEGMENT_CLOSED) {
      return {
        nextEvent,
        events,
        image: loaded,
        before,
        head: reader.head,
        epoch: { high: frames.epochHigh, low: frames.epochLow },
        isClosed: reader.closed,
        problem: answer === FRAME_END || reader.endsOpen ? null : frames.problem,
      };
    }
  }
}
