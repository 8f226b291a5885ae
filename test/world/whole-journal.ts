import { Market } from '../../src/core/book/market.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import { Dictionary } from '../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_LAST,
  GAP_LOST,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_LEVEL,
  NO_BOOK,
  RECORD_WORDS,
} from '../../src/core/event/record.ts';
import type { BookRules } from '../../src/core/event/rules.ts';
import { DURABLE_BYTES, DURABLE_NAME, segmentName, writeDurable } from '../../src/core/journal/directory.ts';
import { type Epoch, FIRST_PLACE, type FramePlace } from '../../src/core/journal/frame.ts';
import type { SourceSum } from '../../src/core/journal/image-payload.ts';
import { sumsOf, writeImage } from '../../src/core/journal/image-writer.ts';
import { SegmentWriter } from '../../src/core/journal/segment-writer.ts';

/** Books of orders and of price levels, one source. */
export const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

/** A frame as it was written. */
export interface WrittenFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where it begins in its segment. */
  readonly offset: number;
  readonly number: number;
  /** Number of the event that comes behind it. */
  readonly nextEvent: number;
}

export interface WrittenSegment {
  readonly name: string;
  readonly number: number;
  readonly frames: readonly WrittenFrame[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sums: readonly SourceSum[];
}

export interface WholeJournalPlan {
  readonly epoch?: Epoch;
  readonly segments?: number;
  /** The last segment has no checkpoint and no close at its end. */
  readonly leavesOpen?: boolean;
  /** Of one order; 200 unless said. */
  readonly price?: number;
  /** Headers say that the events of segments before are durable. */
  readonly saysDurable?: boolean;
}

/**
 * A small journal, made by what writes journals: each of its segments has frames of all types, in the order segment,
 * dictionary, image (head, records, end), attributes, events, venue bytes, control, checkpoint, events, then checkpoint and close.
 */
export function wholeJournal(plan: WholeJournalPlan = {}): WrittenSegment[] {
  const { epoch = { high: 0x1234, low: 0x5678 }, segments = 3, leavesOpen = false } = plan;
  const dictionary = new Dictionary();
  for (const [number, symbol] of ['ONE', null].entries()) {
    const scales = { priceScale: 2, quantityScale: 0 };
    dictionary.add({
      source: 'x',
      publisher: 0,
      instrument: BigInt(number + 7),
      channel: 0,
      symbol,
      ...scales,
    });
  }
  const market = new Market(RULES, dictionary);
  const written: WrittenSegment[] = [];
  let place: FramePlace = FIRST_PLACE;
  for (let number = 1; number <= segments; number += 1) {
    const durable = plan.saysDurable === false ? 0 : place.eventNumber - 1;
    const isOpen = leavesOpen && number === segments;
    const segment = writeOne(number, place, epoch, market, durable, isOpen, plan.price ?? 200);
    written.push(segment.written);
    place = segment.next;
  }
  return written;
}

function writeOne(
  number: number,
  place: FramePlace,
  epoch: Epoch,
  market: Market,
  durable: number,
  isOpen: boolean,
  price: number,
): { readonly written: WrittenSegment; readonly next: FramePlace } {
  const frames: WrittenFrame[] = [];
  let offset = 0;
  const writer = new SegmentWriter(
    (bytes) => {
      const copy = Uint8Array.from(bytes);
      const { frameNumber, eventNumber } = writer.frames;
      frames.push({ bytes: copy, offset, number: frameNumber - 1, nextEvent: eventNumber });
      offset += bytes.length;
    },
    epoch,
    undefined,
    place,
  );
  const { dictionary } = market;
  writer.frames.durableEvent = durable;
  writer.open({
    timeBase: 'utc',
    sources: [{ feed: 'x', name: 'x' }],
    version: '0.0.0',
    wallTime: 5n,
    bootId: '00112233445566778899aabbccddeeff',
    lastFrame: BigInt(place.frameNumber - 1),
    lastCrc: place.lastCrc,
  });
  writer.tell(dictionary);
  const places = [
    { channel: 0, isLost: false, lastSequence: 0, lastEvents: 0, nextTransport: 1, session: 'S' },
  ];
  const where = { busCursor: 0, channels: places };
  writeImage(writer.frames, [market], where);
  writer.attributes([{ handle: number, bytes: Uint8Array.of(1, 2, 3) }]);
  const take = (batch: EventBatch): void => {
    writer.append(batch, 0, batch.count, dictionary);
    market.apply(batch);
  };
  const first = writer.nextEvent;
  take(
    batchOf(first, [
      [KIND_ADD, 0, false, number * 10, 100 + number, 5],
      [KIND_ADD, 0, true, number * 10 + 1, price, 7],
      [KIND_LEVEL, 1, true, 3, 50 + number, 9],
    ]),
  );
  writer.cut();
  writer.venue([{ event: first, type: 65, bytes: Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1) }]);
  take(batchOf(0, [[KIND_GAP, NO_BOOK, false, 40, GAP_LOST, 2]]));
  const standing = (): void =>
    writer.checkpoint({ orders: market.orders.live, levels: market.levels.inUse, channels: places });
  standing();
  take(
    batchOf(writer.nextEvent, [
      [KIND_EXECUTE, 0, false, number * 10, 0, 2],
      [KIND_DELETE, 0, true, number * 10 - 9, 0, 0],
    ]),
  );
  writer.cut();
  const sums = sumsOf([market]);
  if (!isOpen) {
    standing();
    writer.close(sums);
  }
  const bytes = Uint8Array.from(Buffer.concat(frames.map((frame) => frame.bytes)));
  const { frameNumber, eventNumber, lastCrc } = writer.frames;
  return {
    written: { name: segmentName(number), number, frames, bytes, sums },
    next: { frameNumber, eventNumber, segment: number + 1, lastCrc },
  };
}

type Line = readonly [kind: number, book: number, ask: boolean, id: number, price: number, quantity: number];

/** Events of one channel, each of a message of its own; executions are extended. @param sequence of the first, 0 = none. */
function batchOf(sequence: number, lines: readonly Line[]): EventBatch {
  const batch = new EventBatch(lines.length * 2);
  const { words } = batch;
  batch.sequenceBase = sequence;
  batch.venueBaseLow = 1000;
  batch.receiveBaseLow = 2000;
  for (const [index, [kind, book, ask, id, price, quantity]] of lines.entries()) {
    const at = batch.count * RECORD_WORDS;
    const isExtended = kind === KIND_EXECUTE;
    const flags = FLAG_LAST | (ask ? FLAG_ASK : 0) | (isExtended ? FLAG_EXTENDED : 0);
    words.set(
      [kind | (flags << 8) | ((sequence === 0 ? 0 : index) << 16), book, id, 0, price, 0, quantity, 0],
      at,
    );
    if (isExtended) words.set([KIND_EXTENSION, 1, 0, 0, price, 0, 77, 0], at + RECORD_WORDS);
    batch.count += isExtended ? 2 : 1;
  }
  return batch;
}

/** The durable record of a journal whose frames up to one of its last segment survive a loss of power. */
export function durableOf(
  segment: WrittenSegment,
  frame: WrittenFrame,
  epoch: Epoch = { high: 0x1234, low: 0x5678 },
): readonly [name: string, bytes: Uint8Array] {
  const bytes = new Uint8Array(DURABLE_BYTES);
  writeDurable(new DataView(bytes.buffer), {
    event: frame.nextEvent - 1,
    frame: frame.number,
    offset: frame.offset + frame.bytes.length,
    segment: segment.number,
    epoch,
    failed: false,
    wallTime: 6n,
  });
  return [DURABLE_NAME, bytes];
}
