import { join } from 'node:path';
import { ByteWindow } from '../../binary/byte-window.ts';
import { MdxError } from '../../errors.ts';
import { EventBatch } from '../../event/batch.ts';
import { Dictionary } from '../../event/dictionary.ts';
import type { Naming } from '../../event/naming.ts';
import type { Feed } from '../../feeds/feed.ts';
import { type SegmentFile, segmentFiles } from '../../journal/directory.ts';
import type { Disk } from '../../journal/disk.ts';
import {
  type Epoch,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  getU64,
  IMAGE_HEAD,
  isFrame,
} from '../../journal/frame.ts';
import { FRAME_END, FRAME_MORE, FRAME_TRUNCATED } from '../../journal/frame-reader.ts';
import { readImageHead } from '../../journal/image-payload.ts';
import type { SegmentHead } from '../../journal/payload.ts';
import { openSegmentBytes, type SegmentBytes } from '../../journal/segment-bytes.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../../journal/segment-reader.ts';
import { Books } from '../books.ts';
import { ImageInput } from '../image-input.ts';
import { ChannelEnds } from './channel-end.ts';

/** So many events in front of the end are looked at, also where the image that books begin with is behind them. */
const EVENTS_KNOWN = 1024;

export interface RecoverOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly feeds: readonly Feed[];
  readonly naming: Naming | null;
  /** Is told what somebody should know. */
  readonly tell: (text: string) => void;
}

/** What a journal knows at its end. */
export interface Recovered {
  readonly directory: string;
  readonly feed: Feed;
  readonly timeBase: SegmentHead['timeBase'];
  readonly books: Books;
  readonly ends: ChannelEnds;
  /** Of its last segment. */
  readonly epoch: Epoch;
  readonly lastEvent: number;
  /** Symbols are those of the feed, and not of a file that names instruments. */
  readonly isNamed: boolean;
  /** The segment whose image the books began with, and the events applied behind it. */
  readonly imageSegment: number;
  readonly eventsApplied: number;
  /** Segments whose image could not be used, newest first. */
  readonly badImages: readonly number[];
}

/**
 * Brings the books to where a journal ends: the newest good image, and the events behind it. The journal has no torn tail
 * any more. @returns null where it has no segment. Throws MdxError `input-damaged` where no image can be used.
 */
export function recoverBooks(options: RecoverOptions): Recovered | null {
  const files = segmentFiles(options.disk.list(options.directory));
  const badImages: number[] = [];
  let problem = '';
  for (let base = files.length - 1; base >= 0; base -= 1) {
    const recovery = new Recovery(options, files, base);
    const found = recovery.read();
    if (typeof found !== 'string') return { ...found, badImages };
    const { name, number } = files[base]!;
    problem = `${join(options.directory, name)}: ${found}`;
    badImages.push(number);
    if (base > 0) options.tell(`${problem}; the image of the segment before is used`);
  }
  if (files.length === 0) return null;
  throw new MdxError('input-damaged', `going on with the journal ${options.directory}: ${problem}`, {
    hint: '`mdx verify-journal` says what of it is whole.',
  });
}

/** One attempt: with the image of one segment. */
class Recovery {
  readonly #options: RecoverOptions;
  readonly #files: readonly SegmentFile[];
  readonly #base: number;
  readonly #window: ByteWindow = new ByteWindow(FRAME_BYTES_MAX);
  readonly #batch: EventBatch = new EventBatch();
  readonly #dictionary: Dictionary;
  #feed: Feed | null = null;
  #timeBase: SegmentHead['timeBase'] = 'utc';
  #books: Books | null = null;
  #ends: ChannelEnds | null = null;
  #epoch: Epoch = { high: 0, low: 0 };
  #nextEvent = 0;
  #applied = 0;

  constructor(options: RecoverOptions, files: readonly SegmentFile[], base: number) {
    this.#options = options;
    this.#files = files;
    this.#base = base;
    this.#dictionary = new Dictionary(options.naming);
  }

  /** @returns why the image cannot be used, as text. */
  read(): Omit<Recovered, 'badImages'> | string {
    for (let index = this.#first(); index < this.#files.length; index += 1) {
      const problem = this.#segment(this.#files[index]!, index);
      if (problem !== null) return problem;
    }
    for (const { tally, events } of this.#books!.markets) {
      tally.fill(0);
      events.fill(0);
    }
    return {
      directory: this.#options.directory,
      feed: this.#feed!,
      timeBase: this.#timeBase,
      books: this.#books!,
      ends: this.#ends!,
      epoch: this.#epoch,
      lastEvent: this.#nextEvent - 1,
      isNamed: this.#options.naming === null,
      imageSegment: this.#files[this.#base]!.number,
      eventsApplied: this.#applied,
    };
  }

  /** The segment from which on there are enough events. */
  #first(): number {
    const files = this.#files;
    const last = this.#firstEvent(files.length - 1);
    let index = this.#base;
    // An older segment that cannot be read brings nothing; the books do not need it.
    while (index > 0 && files[index - 1]!.number === files[index]!.number - 1) {
      if (last - this.#firstEvent(index) >= EVENTS_KNOWN || this.#firstEvent(index - 1) < 0) break;
      index -= 1;
    }
    return index;
  }

  /** Number of the event that a segment begins with; −1 where that cannot be read. */
  #firstEvent(index: number): number {
    const { disk, directory } = this.#options;
    const bytes = openSegmentBytes(disk, directory, this.#files[index]!);
    try {
      const head = new Uint8Array(FRAME_HEADER_BYTES);
      const isWhole = bytes.read(head, 0) === head.length && isFrame(head);
      return isWhole ? getU64(new DataView(head.buffer), 32) : -1;
    } finally {
      bytes.close();
    }
  }

  /** Reads a segment. @returns what is wrong with the image that books begin with, or null. */
  #segment(file: SegmentFile, index: number): string | null {
    const { disk, directory } = this.#options;
    const bytes = openSegmentBytes(disk, directory, file);
    this.#window.reset();
    try {
      return this.#frames(bytes, file, index);
    } finally {
      bytes.close();
    }
  }

  #frames(bytes: SegmentBytes, file: SegmentFile, index: number): string | null {
    const window = this.#window;
    const reader = new SegmentReader(window, this.#dictionary);
    const image = index === this.#base ? new ImageInput() : null;
    let offset = 0;
    for (;;) {
      const answer = reader.next();
      if (answer === FRAME_MORE) {
        const count = bytes.read(window.room(), offset);
        window.commit(count);
        offset += count;
        if (count === 0) window.ended = true;
      } else if (answer === SEGMENT_BEGINS) this.#begin(reader, file);
      else if (answer === SEGMENT_IMAGE) {
        const problem = image?.take(this.#books!, window.view, reader) ?? null;
        if (problem !== null) return problem;
        this.#takePlaces(reader);
      } else if (answer === SEGMENT_EVENTS || answer === SEGMENT_CLOSED) {
        const problem = image?.close() ?? null;
        if (problem !== null) return problem;
        if (answer === SEGMENT_EVENTS) this.#events(reader, index >= this.#base);
      } else if (answer === FRAME_END || (answer === FRAME_TRUNCATED && reader.endsOpen)) {
        return image?.close() ?? null;
      } else {
        const { problem, problemOffset } = reader.frames;
        if (image !== null && !image.isOver) return `${problem} (byte ${problemOffset})`;
        throw this.#damaged(file, `byte ${problemOffset}: ${problem}`);
      }
    }
  }

  #begin(reader: SegmentReader, file: SegmentFile): void {
    const head = reader.head!;
    const { eventNumber, epochHigh, epochLow } = reader.frames;
    this.#epoch = { high: epochHigh, low: epochLow };
    if (this.#feed === null) {
      this.#feed = this.#feedOf(head);
      this.#timeBase = head.timeBase;
      this.#books = new Books(this.#feed.rules, this.#dictionary, null, []);
      this.#ends = new ChannelEnds(this.#feed.framings[0] !== 'dbn');
    } else if (eventNumber !== this.#nextEvent) {
      throw this.#damaged(file, `it begins with event ${eventNumber}, and ${this.#nextEvent} comes next`);
    }
    this.#nextEvent = eventNumber;
  }

  #feedOf({ sources }: SegmentHead): Feed {
    const name = sources[0]?.feed;
    const feed = this.#options.feeds.find((each) => each.name === name);
    if (feed !== undefined) return feed;
    throw new MdxError(
      'journal-history',
      `going on with the journal ${this.#options.directory}: its events are of ${name ?? 'no feed'}, which mdx does not know`,
    );
  }

  /** The first frame of an image says in which session each channel is. */
  #takePlaces({ frames }: SegmentReader): void {
    if (frames.flags !== IMAGE_HEAD) return;
    const head = readImageHead(this.#window.view, frames.payloadOffset, frames.payloadBytes);
    if (typeof head === 'string') return;
    for (const place of head.channels) this.#ends!.of(place.channel).take(place);
  }

  #events(reader: SegmentReader, areNew: boolean): void {
    const batch = this.#batch;
    for (;;) {
      const events = reader.fill(batch, Number.POSITIVE_INFINITY, false);
      if (events === 0) return;
      this.#nextEvent += events;
      this.#ends!.accept(batch);
      if (!areNew) continue;
      this.#applied += events;
      this.#books!.accept(batch);
    }
  }

  #damaged({ name }: SegmentFile, problem: string): MdxError {
    const path = join(this.#options.directory, name);
    return new MdxError('input-damaged', `going on with the journal: ${path}, ${problem}`, {
      hint: '`mdx verify-journal` says what of it is whole.',
    });
  }
}
