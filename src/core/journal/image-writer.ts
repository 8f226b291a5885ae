import type { Market } from '../book/market.ts';
import { canonicalBooks, hasEntries, stateHash } from '../book/state-hash.ts';
import { LEVEL_KEY_DOUBLE } from '../book/store.ts';
import { FRAME_HEADER_BYTES, FRAME_IMAGE, type FrameWriter, IMAGE_END, IMAGE_HEAD } from './frame.ts';
import {
  type ChannelPlace,
  IMAGE_RECORD_BYTES,
  type SourceSum,
  writeImageEnd,
  writeImageHead,
} from './image-payload.ts';
import { copyLevel, ImageRecords } from './image-records.ts';

/** Where the stream stands that the books come from. */
export interface StreamPlace {
  /** Bus cursor that comes next, 0 = none. */
  readonly busCursor: number;
  readonly channels: readonly ChannelPlace[];
}

/**
 * Writes the image of all books, as they are in front of the event that `frames` would number next, at once.
 * @param markets by source. @returns what they sum up to.
 */
export function writeImage(
  frames: FrameWriter,
  markets: readonly Market[],
  place: StreamPlace,
): readonly SourceSum[] {
  const { view } = frames;
  const head = { ...place, nextEvent: frames.eventNumber };
  frames.write(FRAME_IMAGE, writeImageHead(view, FRAME_HEADER_BYTES, head), 0, 0, IMAGE_HEAD);
  const most = Math.floor(frames.payloadMax / IMAGE_RECORD_BYTES);
  // Made where the payload of their frame is.
  const records = new ImageRecords(frames.words, most, (_, count) =>
    frames.write(FRAME_IMAGE, count * IMAGE_RECORD_BYTES, count, 0),
  );
  putImage(records, markets);
  const sums = sumsOf(markets);
  const end = { records: records.written, sums };
  frames.write(FRAME_IMAGE, writeImageEnd(view, FRAME_HEADER_BYTES, end), 0, 0, IMAGE_END);
  return sums;
}

/** Puts the records of the image of all books, at once. */
export function putImage(records: ImageRecords, markets: readonly Market[]): void {
  for (const market of markets) {
    const isIn = (book: number): boolean =>
      market.stale[book] === 1 || market.bookChanges[book]! > 0 || hasEntries(market, book);
    for (const book of canonicalBooks(market, isIn)) {
      records.mark(book, market.stale[book] === 1, market.bookChanges[book]!);
      putSide(records, market, book * 2);
      putSide(records, market, book * 2 + 1);
    }
  }
  records.flush();
}

/** The state hash of every source. */
export function sumsOf(markets: readonly Market[]): SourceSum[] {
  return markets.map((market, source) => ({ source, ...stateHash(market) }));
}

function putSide(records: ImageRecords, market: Market, bookSide: number): void {
  const { levels } = market;
  const kind = market.bookKind[bookSide >> 1]!;
  for (const level of levels.ladders[bookSide]!.fromBest()) {
    records.open(bookSide, kind, levels.doubles, level * 4 + LEVEL_KEY_DOUBLE);
    copyLevel(market, level, records);
  }
}
