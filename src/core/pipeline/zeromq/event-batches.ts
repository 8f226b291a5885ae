import { ByteWindow } from '../../binary/byte-window.ts';
import { EventBatch } from '../../event/batch.ts';
import { type BookDefinition, Dictionary } from '../../event/dictionary.ts';
import { FLAG_EXTENDED, NO_BOOK, RECORD_BYTES } from '../../event/record.ts';
import { EVENTS_HEAD_BYTES } from '../../journal/event-frames.ts';
import {
  type Epoch,
  FRAME_BYTES_MAX,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  FrameWriter,
  isFrame,
} from '../../journal/frame.ts';
import { FRAME_END, FRAME_MORE } from '../../journal/frame-reader.ts';
import {
  ENTRY_BYTES_MAX,
  readBooks,
  readSegment,
  type SegmentHead,
  writeBook,
  writeSegment,
} from '../../journal/payload.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SegmentReader,
} from '../../journal/segment-reader.ts';
import type { Batcher, BatchPart } from './packet-batches.ts';

/*
 * An event stream ↔ batches that are a whole segment each, so that whoever joins late can read them: its head and the books
 * that its events name stand in front of the events. Events keep their numbers, frames are numbered on over all batches.
 */

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/** Cuts a stream of frames, one part per frame of events. */
export class EventBatcher implements Batcher {
  readonly kind = 'events';
  readonly #writer: FrameWriter;
  #frames: Uint8Array[] = [];
  #head: SegmentHead | null = null;
  /** As they were told last, by number. */
  readonly #books: BookDefinition[] = [];
  #rest: Uint8Array = new Uint8Array(0);

  /** Every part tells every book, also where its events name none. */
  readonly #tellsAll: boolean;

  /** @param frameBytes of the longest frame that is added; 64 KiB unless said. */
  constructor(epoch: Epoch, frameBytes?: number, tellsAll: boolean = false) {
    this.#tellsAll = tellsAll;
    this.#writer = new FrameWriter((frame) => this.#frames.push(frame.slice()), epoch, frameBytes);
    // The first segment has number 1.
    this.#writer.segment = 0;
  }

  add(bytes: Uint8Array): BatchPart[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const parts: BatchPart[] = [];
    let at = 0;
    while (all.length - at >= FRAME_HEADER_BYTES) {
      const view = viewOf(all);
      const payload = view.getUint32(at + 8, true);
      const end = at + FRAME_HEADER_BYTES + payload;
      if (end > all.length) break;
      const part = this.#take(new Uint8Array(all.subarray(at, end)));
      if (part !== null) parts.push(part);
      at = end;
    }
    this.#rest = new Uint8Array(all.subarray(at));
    return parts;
  }

  /** A segment without events, closed. */
  end(): BatchPart {
    const { view, eventNumber } = this.#writer;
    this.#begin();
    if (this.#tellsAll) this.#tell(this.#all());
    view.setBigUint64(FRAME_HEADER_BYTES, BigInt(eventNumber - 1), true);
    view.setBigUint64(FRAME_HEADER_BYTES + 8, BigInt(this.#books.length), true);
    this.#writer.write(FRAME_CLOSE, 16, 1, 0);
    return this.#part(0);
  }

  #take(frame: Uint8Array<ArrayBuffer>): BatchPart | null {
    const view = new DataView(frame.buffer);
    const type = view.getUint8(16);
    const length = frame.length - FRAME_HEADER_BYTES;
    const records = view.getUint32(20, true);
    if (type === FRAME_SEGMENT) this.#head = trusted(readSegment(view, FRAME_HEADER_BYTES, length));
    else if (type === FRAME_DICTIONARY) {
      for (const book of trusted(readBooks(view, FRAME_HEADER_BYTES, length, records)))
        this.#books[book.number] = book;
    } else if (type === FRAME_EVENTS || type === FRAME_CONTROL) return this.#events(type, frame, records);
    return null;
  }

  #events(type: number, frame: Uint8Array<ArrayBuffer>, records: number): BatchPart {
    const view = new DataView(frame.buffer);
    const named = new Set<number>();
    let events = 0;
    for (let index = 0; index < records; index += 1) {
      const at = FRAME_HEADER_BYTES + EVENTS_HEAD_BYTES + index * RECORD_BYTES;
      const book = view.getInt32(at + 4, true);
      if (book !== NO_BOOK) named.add(book);
      if ((view.getInt32(at, true) & HEAD_EXTENDED) !== 0) index += 1;
      events += 1;
    }
    this.#begin();
    this.#tell(this.#tellsAll ? this.#all() : named);
    this.#writer.bytes.set(frame.subarray(FRAME_HEADER_BYTES), FRAME_HEADER_BYTES);
    this.#writer.write(type, frame.length - FRAME_HEADER_BYTES, records, events);
    return this.#part(events);
  }

  #begin(): void {
    const writer = this.#writer;
    const { frameNumber, lastCrc } = writer;
    const head = this.#head ?? { timeBase: 'utc', sources: [], version: '', wallTime: 0n, bootId: '' };
    writer.segment += 1;
    const bytes = writeSegment(writer.view, FRAME_HEADER_BYTES, {
      ...head,
      lastFrame: BigInt(frameNumber - 1),
      lastCrc,
    });
    writer.write(FRAME_SEGMENT, bytes, 1, 0);
  }

  #all(): Set<number> {
    return new Set(this.#books.filter((book) => book !== undefined).map(({ number }) => number));
  }

  #tell(named: ReadonlySet<number>): void {
    const writer = this.#writer;
    let next = FRAME_HEADER_BYTES;
    let entries = 0;
    const write = (): void => {
      if (entries > 0) writer.write(FRAME_DICTIONARY, next - FRAME_HEADER_BYTES, entries, 0);
      next = FRAME_HEADER_BYTES;
      entries = 0;
    };
    for (const number of named) {
      next += writeBook(writer.view, next, this.#books[number]!);
      entries += 1;
      if (next + ENTRY_BYTES_MAX > writer.bytes.length) write();
    }
    write();
  }

  #part(count: number): BatchPart {
    const payload = Buffer.concat(this.#frames);
    this.#frames = [];
    return { payload, count };
  }
}

/** Checks segments that came; one behind the other they are an event stream. */
export class EventJoiner {
  readonly #window: ByteWindow = new ByteWindow(FRAME_BYTES_MAX);
  readonly #batch: EventBatch = new EventBatch();

  /** @returns what comes next of the stream; null where the payload is no whole segment. */
  join(payload: Uint8Array): Uint8Array | null {
    const window = this.#window;
    window.reset();
    const reader = new SegmentReader(window, new Dictionary());
    let fed = 0;
    let segments = 0;
    if (!isFrame(payload)) return null;
    for (;;) {
      const answer = reader.next();
      if (answer === FRAME_MORE) {
        const room = window.room();
        const count = Math.min(room.length, payload.length - fed);
        room.set(payload.subarray(fed, fed + count));
        window.commit(count);
        fed += count;
        window.ended = fed === payload.length;
      } else if (answer === SEGMENT_BEGINS) segments += 1;
      else if (answer === SEGMENT_EVENTS) {
        while (reader.fill(this.#batch, Number.POSITIVE_INFINITY, false) > 0);
      } else if (answer !== SEGMENT_CLOSED) {
        // One without the frame that closes it goes on in the next batch.
        const isWhole = answer === FRAME_END || reader.endsOpen;
        return isWhole && segments === 1 ? payload : null;
      }
    }
  }
}

/** What our own writer has made can be read. */
function trusted<T>(found: T | string): T {
  if (typeof found === 'string') throw new RangeError(`events that were written: ${found}`);
  return found;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
