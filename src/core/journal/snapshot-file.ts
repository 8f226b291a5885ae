import type { Market } from '../book/market.ts';
import type { ByteSink } from '../capture/block-buffer.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import {
  type Epoch,
  FRAME_CLOSE,
  FRAME_DICTIONARY,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  FrameWriter,
} from './frame.ts';
import { writeClose } from './image-payload.ts';
import { type StreamPlace, writeImage } from './image-writer.ts';
import { ENTRY_BYTES_MAX, type SegmentHead, writeBook, writeSegment } from './payload.ts';

/** What a snapshot file says: the books in front of an event. */
export interface Snapshot {
  readonly head: SegmentHead;
  readonly epoch: Epoch;
  /** Number of the event that comes next. */
  readonly nextEvent: number;
  readonly books: readonly BookDefinition[];
  /** By source. */
  readonly markets: readonly Market[];
  readonly place: StreamPlace;
}

/**
 * A snapshot is an image on its own: a closed segment without events, which whatever reads a journal reads, too.
 *
 *     segment · dictionary … · image head, records …, end · close
 */
export function writeSnapshot(
  sink: ByteSink,
  { head, epoch, nextEvent, books, markets, place }: Snapshot,
): void {
  const first = { frameNumber: 1, eventNumber: nextEvent, segment: 1, lastCrc: 0 };
  const frames = new FrameWriter(sink, epoch, undefined, first);
  frames.write(FRAME_SEGMENT, writeSegment(frames.view, FRAME_HEADER_BYTES, head), 1, 0);
  writeDictionary(frames, books);
  const sums = writeImage(frames, markets, place);
  const close = { lastEvent: nextEvent - 1, books: books.length, sums };
  frames.write(FRAME_CLOSE, writeClose(frames.view, FRAME_HEADER_BYTES, close), 1, 0);
}

function writeDictionary(frames: FrameWriter, books: readonly BookDefinition[]): void {
  let next = FRAME_HEADER_BYTES;
  let entries = 0;
  for (const [index, book] of books.entries()) {
    next += writeBook(frames.view, next, book);
    entries += 1;
    if (index < books.length - 1 && next + ENTRY_BYTES_MAX <= frames.bytes.length) continue;
    frames.write(FRAME_DICTIONARY, next - FRAME_HEADER_BYTES, entries, 0);
    next = FRAME_HEADER_BYTES;
    entries = 0;
  }
}
