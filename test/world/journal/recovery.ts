import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import type { Disk } from '../../../src/core/journal/disk.ts';
import { type Epoch, FRAME_BYTES_MAX, IMAGE_END } from '../../../src/core/journal/frame.ts';
import { FRAME_END, FRAME_MORE } from '../../../src/core/journal/frame-reader.ts';
import { ImageLoader, type ImageTarget } from '../../../src/core/journal/image-loader.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../../../src/core/journal/segment-reader.ts';
import type { Books } from '../../../src/core/pipeline/books.ts';
import { rowsOf, type Workload } from './workload.ts';

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
  readonly isClosed: boolean;
  readonly isCompressed: boolean;
  /** The image at its head is whole. */
  readonly hasImage: boolean;
}

const window = new ByteWindow(FRAME_BYTES_MAX);
const batch = new EventBatch();

/**
 * Reads a journal frame by frame, in the plainest way: the image of the first segment and all events behind it. Throws
 * where a segment is missing, or ends early and is not the last.
 */
export function recover(disk: Disk, directory: string, workload: Workload): Recovery {
  const books = workload.emptyBooks();
  const rows: string[] = [];
  const segments: RecoveredSegment[] = [];
  let firstEvent = 1;
  let tail: string | null = null;
  for (const file of segmentFiles(disk.list(directory))) {
    const before = segments.at(-1);
    if (tail !== null) throw new Error(`${before?.number}: ${tail}, and ${file.name} follows`);
    if (before !== undefined && before.number !== file.number - 1)
      throw new Error(`no segment before ${file.name}`);
    const source = openSegmentBytes(disk, directory, file);
    const bytes = new Uint8Array(source.bytes);
    if (source.read(bytes, 0) !== bytes.length) throw new Error(`${file.name} is shorter than it says`);
    source.close();
    const last = firstEvent + rows.length - 1;
    const found = readSegment(bytes, books, rows, before === undefined, workload.isPerChannel);
    tail = found.tail;
    segments.push({ ...found, number: file.number, isCompressed: file.isCompressed });
    if (!found.hasImage) continue;
    if (before === undefined) firstEvent = found.nextEvent;
    else if (found.nextEvent !== last + 1)
      throw new Error(`${file.name} begins with event ${found.nextEvent}`);
  }
  return { firstEvent, rows, books, segments, tail };
}

interface Read extends Pick<RecoveredSegment, 'epoch' | 'isClosed' | 'hasImage'> {
  /** Event that the image stands in front of; 0 where none began. */
  readonly nextEvent: number;
  readonly tail: string | null;
}

/** Applies the events of a segment to `books`, behind the image where it is the first. */
function readSegment(
  bytes: Uint8Array,
  books: Books,
  rows: string[],
  isFirst: boolean,
  isPerChannel: boolean,
): Read {
  window.reset();
  const reader = new SegmentReader(window, books.dictionary);
  const { frames } = reader;
  const target: ImageTarget = {
    sourceOf: (book) => (isPerChannel ? books.dictionary.books[book]!.channel : 0),
    marketOf: (source) => books.marketOf(source),
  };
  let loader: ImageLoader | null = null;
  let nextEvent = 0;
  let hasImage = false;
  let fed = 0;
  for (;;) {
    const answer = reader.next();
    if (answer === FRAME_MORE) {
      const room = window.room();
      const part = bytes.subarray(fed, fed + room.length);
      room.set(part);
      window.commit(part.length);
      fed += part.length;
      window.ended = fed === bytes.length;
    } else if (answer === SEGMENT_IMAGE) {
      nextEvent = frames.eventNumber;
      hasImage = frames.flags === IMAGE_END;
      if (!isFirst) continue;
      loader ??= new ImageLoader(target, reader.books);
      const problem = loader.take(window.view, frames);
      if (problem !== null) throw new Error(problem);
    } else if (answer === SEGMENT_EVENTS) {
      while (reader.fill(batch, Number.POSITIVE_INFINITY, false) > 0) {
        rows.push(...rowsOf(batch));
        books.accept(batch);
      }
    } else if (answer !== SEGMENT_BEGINS && answer !== SEGMENT_CLOSED) {
      const epoch = { high: frames.epochHigh, low: frames.epochLow };
      const isWhole = answer === FRAME_END || reader.endsOpen;
      return { nextEvent, epoch, hasImage, isClosed: reader.closed, tail: isWhole ? null : frames.problem };
    }
  }
}
