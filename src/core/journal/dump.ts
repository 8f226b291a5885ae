import { toBigInt } from '../binary/time.ts';
import { Dictionary } from '../event/dictionary.ts';
import { formatScaled, formatUnsigned } from '../event/format-text.ts';
import * as record from '../event/record.ts';
import type { SegmentFile } from './directory.ts';
import type { Disk } from './disk.ts';
import { EventsInPlace } from './events-in-place.ts';
import { FRAME_CONTROL, FRAME_DICTIONARY, FRAME_EVENTS } from './frame.ts';
import { openSegmentBytes } from './segment-bytes.ts';
import { SegmentWalk, WALK_BAD, WALK_END } from './segment-walk.ts';
import { SoundBytes } from './sound-bytes.ts';
import { ToldBooks } from './told-books.ts';

/** A frame of a segment as it is, or a bad place: then `type` is `bad`. Offsets, numbers and ids as text. */
export interface FrameRow {
  readonly segment: string;
  readonly offset: string;
  readonly type: string;
  readonly frame: string | null;
  readonly records: number | null;
  readonly bytes: number | null;
  /** Number of its first event, or of the one that comes next. */
  readonly event: string | null;
  readonly durable: string | null;
  readonly problem: string | null;
}

/** An event as its record says it, whatever the books make of it. */
export interface EventRow {
  readonly event: string;
  readonly segment: string;
  readonly kind: string;
  readonly flags: readonly string[];
  readonly channel: number;
  readonly sequence: string | null;
  readonly instrument: string | null;
  readonly symbol: string | null;
  readonly id: string;
  readonly price: string | null;
  readonly quantity: string;
  readonly relatedId: string | null;
  readonly venueTime: string;
  readonly receiveTime: string;
}

/** Numbers of events, both included. */
export interface EventRange {
  readonly from: number;
  readonly to: number;
}

const TYPES: readonly string[] = [
  '',
  'segment',
  'dictionary',
  'image',
  'events',
  'attributes',
  'venue',
  'control',
  'checkpoint',
  'close',
];
/** By bit. */
const FLAGS: readonly string[] = [
  'last',
  'snapshot',
  'ask',
  'keepPriority',
  'informs',
  'before',
  'extended',
  'byKind',
];

/** The frames of segments, one by one, with what is bad between them. */
export function* frameRows(
  disk: Disk,
  directory: string,
  files: readonly SegmentFile[],
): Generator<FrameRow> {
  for (const file of files) {
    const bytes = new SoundBytes(openSegmentBytes(disk, directory, file));
    try {
      const walk = new SegmentWalk(bytes);
      for (let answer = walk.next(); answer !== WALK_END; answer = walk.next()) {
        if (answer === WALK_BAD) {
          const { offset, problem } = walk.bad!;
          const nothing = { frame: null, records: null, bytes: null, event: null, durable: null };
          yield { segment: file.name, offset: String(offset), type: 'bad', ...nothing, problem };
          continue;
        }
        yield {
          segment: file.name,
          offset: String(walk.offset),
          type: TYPES[walk.type] ?? String(walk.type),
          frame: String(walk.frameNumber),
          records: walk.records,
          bytes: walk.payloadBytes,
          event: String(walk.eventNumber),
          durable: String(walk.durableEvent),
          problem: null,
        };
        // What events there are in it is not asked: their number is not known then.
        walk.pass();
      }
    } finally {
      bytes.close();
    }
  }
}

/** The events of a range, one by one; up to the first bad place of each segment. */
export function* eventRows(
  disk: Disk,
  directory: string,
  files: readonly SegmentFile[],
  { from, to }: EventRange,
): Generator<EventRow> {
  for (const file of files) {
    const bytes = new SoundBytes(openSegmentBytes(disk, directory, file));
    try {
      const walk = new SegmentWalk(bytes);
      const dictionary = new Dictionary();
      const told = new ToldBooks(dictionary);
      const events = new EventsInPlace(walk.window.bytes.buffer);
      while (walk.next() === 0 && walk.eventNumber <= to) {
        let count = 0;
        let problem: string | null = null;
        if (walk.type === FRAME_DICTIONARY)
          problem = told.learn(walk.window.view, walk.at, walk.payloadBytes, walk.records);
        else if (walk.type === FRAME_EVENTS || walk.type === FRAME_CONTROL) {
          problem = events.open(walk, told);
          count = events.events;
          if (problem === null && walk.eventNumber + count > from)
            yield* rowsOf(file.name, walk.eventNumber, events, dictionary, { from, to });
        }
        if (problem !== null) break;
        walk.accept(count);
      }
    } finally {
      bytes.close();
    }
  }
}

function* rowsOf(
  segment: string,
  firstEvent: number,
  events: EventsInPlace,
  dictionary: Dictionary,
  { from, to }: EventRange,
): Generator<EventRow> {
  let event = firstEvent;
  const { batch } = events;
  while (events.next()) {
    const { words } = batch;
    for (let index = events.from; index < events.to; event += 1) {
      const at = index * record.RECORD_WORDS;
      const isExtended = ((words[at]! >> 8) & record.FLAG_EXTENDED) !== 0;
      if (event >= from && event <= to) yield rowOf(segment, event, batch, at, dictionary);
      index += isExtended ? 2 : 1;
    }
  }
}

function rowOf(
  segment: string,
  event: number,
  batch: EventsInPlace['batch'],
  at: number,
  dictionary: Dictionary,
): EventRow {
  const { words } = batch;
  const head = words[at]!;
  const flags = (head >> 8) & 255;
  const book = dictionary.books[words[at + record.WORD_BOOK]!];
  const [priceLow, priceHigh] = [words[at + record.WORD_PRICE]!, words[at + record.WORD_PRICE + 1]!];
  const hasPrice = priceHigh !== record.NULL_PRICE_HIGH || priceLow !== record.NULL_PRICE_LOW;
  const related = at + record.RECORD_WORDS + record.EXT_WORD_RELATED_ID;
  const venue =
    toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + record.WORD_VENUE_TIME]!);
  const receive =
    toBigInt(batch.receiveBaseHigh, batch.receiveBaseLow) +
    BigInt(words[at + record.WORD_RECEIVE_TIME]! >>> 0);
  return {
    event: String(event),
    segment,
    kind: record.KIND_NAMES[head & 255] ?? '',
    flags: FLAGS.filter((_, bit) => ((flags >> bit) & 1) !== 0),
    channel: batch.channel,
    sequence: batch.sequenceBase === 0 ? null : String(batch.sequenceBase + (head >>> 16)),
    instrument: book === undefined ? null : String(book.instrument),
    symbol: book?.symbol ?? null,
    id: formatUnsigned(words[at + record.WORD_ID + 1]!, words[at + record.WORD_ID]!),
    price: hasPrice ? formatScaled(priceHigh, priceLow, book?.priceScale ?? 0) : null,
    quantity: formatScaled(
      words[at + record.WORD_QUANTITY + 1]!,
      words[at + record.WORD_QUANTITY]!,
      book?.quantityScale ?? 0,
    ),
    relatedId:
      (flags & record.FLAG_EXTENDED) === 0 ? null : formatUnsigned(words[related + 1]!, words[related]!),
    venueTime: String(venue),
    receiveTime: String(receive),
  };
}
