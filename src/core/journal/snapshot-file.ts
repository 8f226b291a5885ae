import type { Market } from '../book/market.ts';
import type { ByteSink } from '../capture/block-buffer.ts';
import type { Epoch } from './frame.ts';
import { type StreamPlace, writeImage } from './image-writer.ts';
import type { SegmentHead } from './payload.ts';
import { type KnownBooks, SegmentWriter } from './segment-writer.ts';

/** What a snapshot file says: the books in front of an event. */
export interface Snapshot {
  readonly head: SegmentHead;
  readonly epoch: Epoch;
  /** Number of the event that comes next. */
  readonly nextEvent: number;
  readonly dictionary: KnownBooks;
  /** By source. */
  readonly markets: readonly Market[];
  readonly place: StreamPlace;
}

/**
 * A snapshot is an image on its own: a closed segment without events, which whatever reads a journal reads, too.
 *
 *     segment · dictionary … · image head, records …, end · close
 */
export function writeSnapshot(sink: ByteSink, snapshot: Snapshot): void {
  const first = { frameNumber: 1, eventNumber: snapshot.nextEvent, segment: 1, lastCrc: 0 };
  const segment = new SegmentWriter(sink, snapshot.epoch, undefined, first);
  segment.open(snapshot.head);
  segment.tell(snapshot.dictionary);
  segment.close(writeImage(segment.frames, snapshot.markets, snapshot.place));
}
