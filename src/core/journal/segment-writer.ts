import type { ByteSink } from '../capture/block-buffer.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import { EventFrames } from './event-frames.ts';
import {
  type Epoch,
  FRAME_ATTRIBUTES,
  FRAME_CHECKPOINT,
  FRAME_CLOSE,
  FRAME_DICTIONARY,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  FRAME_VENUE,
  type FramePlace,
  FrameWriter,
} from './frame.ts';
import {
  type ChannelPlace,
  type Checkpoint,
  type SourceSum,
  writeCheckpoint,
  writeClose,
} from './image-payload.ts';
import {
  type AttributesEntry,
  ENTRY_BYTES_MAX,
  type SegmentHead,
  type VenueEntry,
  writeAttributes,
  writeBook,
  writeSegment,
  writeVenue,
} from './payload.ts';

/** The books that events may name. */
export type KnownBooks = Pick<Dictionary, 'books' | 'changes'>;

/** What of a book may change after it was told. */
interface Told {
  readonly channel: number;
  readonly symbol: string | null;
}

/**
 * Writes segments: their heads, the books they are about, events in frames, what these led to, and their ends. Books are told
 * in front of the first batch that was made with them.
 */
export class SegmentWriter {
  readonly frames: FrameWriter;
  readonly #events: EventFrames;
  /** Told so far, by book number. */
  readonly #told: Told[] = [];
  #changes = 0;

  /** @param frameBytes of the longest frame; 64 KiB unless said. @param place of its first frame. */
  constructor(sink: ByteSink, epoch: Epoch, frameBytes?: number, place?: FramePlace) {
    this.frames = new FrameWriter(sink, epoch, frameBytes, place);
    this.#events = new EventFrames(this.frames);
  }

  /** Events taken so far. */
  get events(): number {
    return this.#events.events;
  }

  /** Number of the event that comes next. */
  get nextEvent(): number {
    return this.frames.eventNumber + this.#events.pending;
  }

  /** Begins a segment with its head. Books have to be told in each. */
  open(head: SegmentHead): void {
    this.#told.length = 0;
    const bytes = writeSegment(this.frames.view, FRAME_HEADER_BYTES, head);
    this.frames.write(FRAME_SEGMENT, bytes, 1, 0);
  }

  /** Tells the books that were not, or have another name or channel than was told. */
  tell(dictionary: KnownBooks): void {
    if (dictionary.books.length !== this.#told.length || dictionary.changes !== this.#changes) {
      this.#tell(dictionary);
    }
  }

  /** Goes on where the events of a channel stand; what it had itself is known better. */
  goOn(place: ChannelPlace): void {
    this.#events.places.goOn(place);
  }

  /** The same place with the last message of its events. */
  standing(place: ChannelPlace): ChannelPlace {
    return this.#events.places.standing(place);
  }

  /** Takes the records `from` … `to − 1` of a batch. */
  append(batch: EventBatch, from: number, to: number, dictionary: KnownBooks): void {
    this.tell(dictionary);
    this.#events.append(batch, from, to);
  }

  /** Writes the frame that is being made, if it has events. */
  cut(): void {
    this.#events.cut();
  }

  /** Keeps attributes for the handles that extended events name. */
  attributes(entries: readonly AttributesEntry[]): void {
    this.#list(FRAME_ATTRIBUTES, entries, writeAttributes);
  }

  /** Keeps messages of the venue that only printing and encoding anew need. */
  venue(entries: readonly VenueEntry[]): void {
    this.#list(FRAME_VENUE, entries, writeVenue);
  }

  /** Says what the events so far led to. */
  checkpoint(standing: Omit<Checkpoint, 'nextEvent'>): void {
    this.cut();
    const { view, eventNumber } = this.frames;
    const bytes = writeCheckpoint(view, FRAME_HEADER_BYTES, { ...standing, nextEvent: eventNumber });
    this.frames.write(FRAME_CHECKPOINT, bytes, 1, 0);
  }

  /**
   * Ends the segment: whoever reads it knows that nothing is missing behind its last event.
   * @param sums of the books behind it; none where that was not calculated.
   */
  close(sums: readonly SourceSum[] = []): void {
    this.cut();
    const { view } = this.frames;
    const bytes = writeClose(view, FRAME_HEADER_BYTES, {
      lastEvent: this.frames.eventNumber - 1,
      books: this.#told.length,
      sums,
    });
    this.frames.write(FRAME_CLOSE, bytes, 1, 0);
  }

  /** Writes entries in as many frames as they need. Throws RangeError for one that is longer than a frame. */
  #list<T>(
    type: number,
    entries: readonly T[],
    write: (view: DataView, at: number, entry: T) => number,
  ): void {
    this.cut();
    const { frames } = this;
    let next = FRAME_HEADER_BYTES;
    let records = 0;
    for (const entry of entries) {
      let end = write(frames.view, next, entry);
      if (end < 0 && records > 0) {
        frames.write(type, next - FRAME_HEADER_BYTES, records, 0);
        records = 0;
        next = FRAME_HEADER_BYTES;
        end = write(frames.view, next, entry);
      }
      if (end < 0) throw new RangeError('an entry that is longer than a frame');
      next = end;
      records += 1;
    }
    if (records > 0) frames.write(type, next - FRAME_HEADER_BYTES, records, 0);
  }

  /** Writes books that are new, or have another name or channel than was told. */
  #tell(dictionary: KnownBooks): void {
    this.#changes = dictionary.changes;
    const told = this.#told;
    let next = FRAME_HEADER_BYTES;
    let entries = 0;
    for (const book of dictionary.books) {
      const before = told[book.number];
      if (before !== undefined && before.channel === book.channel && before.symbol === book.symbol) continue;
      // Not before there is something to tell: the frame at hand is in the same place.
      if (entries === 0) this.cut();
      told[book.number] = { channel: book.channel, symbol: book.symbol };
      next += writeBook(this.frames.view, next, book);
      entries += 1;
      if (next + ENTRY_BYTES_MAX > this.frames.bytes.length) {
        this.#writeBooks(next, entries);
        next = FRAME_HEADER_BYTES;
        entries = 0;
      }
    }
    this.#writeBooks(next, entries);
  }

  #writeBooks(end: number, entries: number): void {
    if (entries > 0) this.frames.write(FRAME_DICTIONARY, end - FRAME_HEADER_BYTES, entries, 0);
  }
}
