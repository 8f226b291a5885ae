import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_EXTENDED,
  KIND_EXTENSION,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../../src/core/event/record.ts';
import { type Epoch, FRAME_BYTES_MAX } from '../../../src/core/journal/frame.ts';
import { FRAME_MORE } from '../../../src/core/journal/frame-reader.ts';
import { firstHead, type SegmentHead } from '../../../src/core/journal/payload.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../../../src/core/journal/segment-reader.ts';
import { SegmentWriter } from '../../../src/core/journal/segment-writer.ts';

/** An event as a test writes it down; times in ns, everything exact. */
export interface Event {
  readonly channel: number;
  readonly kind: number;
  readonly flags: number;
  readonly book: number;
  readonly sequence: number;
  readonly venue: bigint;
  readonly receive: bigint;
  /** Words 2 to 7. */
  readonly body: readonly number[];
  /** The second record's words 1 to 7; null where there is none. */
  readonly second: readonly number[] | null;
}

export const HEAD: SegmentHead = firstHead({
  timeBase: 'utc',
  sources: [{ feed: 'itch-5.0', name: 'itch-5.0' }],
  version: '0.0.0',
});
export const EPOCH: Epoch = { high: 0x01234567, low: 0x89abcdef | 0 };

/** A dictionary with books whose values fill their fields. */
export function dictionaryOf(count: number): Dictionary {
  const dictionary = new Dictionary();
  for (let book = 0; book < count; book += 1) {
    dictionary.add({
      source: 'itch-5.0',
      publisher: book === 0 ? 65_535 : book,
      instrument: (1n << 64n) - 1n - BigInt(book),
      channel: book % 3,
      priceScale: book % 19,
      quantityScale: 18 - (book % 19),
      tick: book % 2 === 0 ? null : -(1n << 63n) + BigInt(book),
      symbol: book % 4 === 3 ? null : `SYM€${book}`,
    });
  }
  return dictionary;
}

/** The words of an event in a batch of its own. */
export function batchOf(event: Event, capacity: number = 2): EventBatch {
  const batch = new EventBatch(capacity);
  const { words } = batch;
  batch.channel = event.channel;
  batch.sequenceBase = event.sequence;
  batch.venueBaseHigh = Number(BigInt.asIntN(32, event.venue >> 32n));
  batch.venueBaseLow = Number(BigInt.asIntN(32, event.venue));
  batch.receiveBaseHigh = Number(BigInt.asIntN(32, event.receive >> 32n));
  batch.receiveBaseLow = Number(BigInt.asIntN(32, event.receive));
  words[0] = event.kind | (event.flags << 8);
  words[WORD_BOOK] = event.book;
  words.set(event.body, 2);
  batch.count = 1;
  if (event.second !== null) {
    words[0] |= FLAG_EXTENDED << 8;
    words[RECORD_WORDS] = KIND_EXTENSION;
    words.set(event.second, RECORD_WORDS + 1);
    batch.count = 2;
  }
  return batch;
}

/** The events of a batch as a test writes them down. */
export function eventsOf(batch: EventBatch): Event[] {
  const { words } = batch;
  const events: Event[] = [];
  const wide = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low >>> 0);
  for (let index = 0; index < batch.count; ) {
    const at = index * RECORD_WORDS;
    const head = words[at]!;
    const isExtended = ((head >> 8) & FLAG_EXTENDED) !== 0;
    events.push({
      channel: batch.channel,
      kind: head & 255,
      flags: (head >> 8) & 255 & ~FLAG_EXTENDED,
      book: words[at + WORD_BOOK]!,
      sequence: batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16),
      venue: wide(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + WORD_VENUE_TIME]!),
      receive:
        wide(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + WORD_RECEIVE_TIME]! >>> 0),
      body: [...words.subarray(at + 2, at + 8)],
      second: isExtended ? [...words.subarray(at + RECORD_WORDS + 1, at + RECORD_WORDS + 8)] : null,
    });
    index += isExtended ? 2 : 1;
  }
  return events;
}

/** Frames of a stream that has these events, one by one. */
export function framesOf(
  events: readonly Event[],
  dictionary: Dictionary,
  cutEvery: number = Number.POSITIVE_INFINITY,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH);
  writer.open(HEAD);
  for (const [index, event] of events.entries()) {
    const batch = batchOf(event);
    writer.append(batch, 0, batch.count, dictionary);
    if ((index + 1) % cutEvery === 0) writer.cut();
  }
  writer.close();
  return frames;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export interface ReadBack {
  readonly answer: number;
  readonly problem: string | null;
  readonly offset: number;
  readonly closed: boolean;
  readonly lost: readonly number[];
  readonly events: readonly Event[];
  readonly dictionary: Dictionary;
}

const window = new ByteWindow(FRAME_BYTES_MAX);

/** Reads a stream in pieces of `size` bytes, into batches of `capacity` records. */
export function readBack(bytes: Uint8Array, size: number = bytes.length, capacity: number = 16): ReadBack {
  window.reset();
  const dictionary = new Dictionary();
  const reader = new SegmentReader(window, dictionary);
  const batch = new EventBatch(capacity);
  const events: Event[] = [];
  const lost: number[] = [];
  let fed = 0;
  for (;;) {
    const answer = reader.next();
    if (answer === FRAME_MORE) {
      const room = window.room();
      const count = Math.min(size, room.length, bytes.length - fed);
      room.set(bytes.subarray(fed, fed + count));
      window.commit(count);
      fed += count;
      window.ended = fed === bytes.length;
    } else if (answer === SEGMENT_BEGINS) lost.push(reader.lost);
    else if (answer === SEGMENT_EVENTS) {
      while (reader.fill(batch, Number.POSITIVE_INFINITY, false) > 0) events.push(...eventsOf(batch));
    } else if (answer !== SEGMENT_CLOSED && answer !== SEGMENT_IMAGE) {
      const { problem, problemOffset } = reader.frames;
      return { answer, problem, offset: problemOffset, closed: reader.closed, lost, events, dictionary };
    }
  }
}
