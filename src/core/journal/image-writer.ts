import type { Market } from '../book/market.ts';
import { canonicalBooks, hasEntries, stateHash } from '../book/state-hash.ts';
import {
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_KEY_DOUBLE,
  LEVEL_QUANTITY_DOUBLE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
} from '../book/store.ts';
import { priceOfKey } from '../book/view.ts';
import { NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../event/record.ts';
import { FRAME_HEADER_BYTES, FRAME_IMAGE, type FrameWriter, IMAGE_END, IMAGE_HEAD, putU64 } from './frame.ts';
import {
  type ChannelPlace,
  IMAGE_ASK,
  IMAGE_LEVEL,
  IMAGE_RECORD_BYTES,
  IMAGE_STALE,
  type SourceSum,
  writeImageEnd,
  writeImageHead,
} from './image-payload.ts';

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
  const records = new ImageRecords(frames);
  for (const market of markets) {
    const isIn = (book: number): boolean => market.stale[book] === 1 || hasEntries(market, book);
    for (const book of canonicalBooks(market, isIn)) {
      if (market.stale[book] === 1) records.put(book, IMAGE_STALE, 0, 0, 0, 0);
      records.side(market, book * 2);
      records.side(market, book * 2 + 1);
    }
  }
  records.flush();
  const sums = sumsOf(markets);
  const end = { records: records.written, sums };
  frames.write(FRAME_IMAGE, writeImageEnd(view, FRAME_HEADER_BYTES, end), 0, 0, IMAGE_END);
  return sums;
}

/** The state hash of every source. */
export function sumsOf(markets: readonly Market[]): SourceSum[] {
  return markets.map((market, source) => ({ source, ...stateHash(market) }));
}

/** Records of an image → frames of them. */
class ImageRecords {
  /** Handed over in frames. */
  written = 0;
  readonly #frames: FrameWriter;
  /** Records of the frame that is being made. */
  #records = 0;
  readonly #recordsMax: number;

  constructor(frames: FrameWriter) {
    this.#frames = frames;
    this.#recordsMax = Math.floor(frames.payloadMax / IMAGE_RECORD_BYTES);
  }

  side(market: Market, bookSide: number): void {
    const { levels, orders } = market;
    const book = bookSide >> 1;
    const flags = (bookSide & 1) !== 0 ? IMAGE_ASK : 0;
    for (const level of levels.ladders[bookSide]?.fromBest() ?? []) {
      const price =
        priceOfKey(levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide) ?? Number.NEGATIVE_INFINITY;
      if (market.bookKind[book] !== 0) {
        const quantity = levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
        this.put(book, flags | IMAGE_LEVEL, levels.words[level * 8 + LEVEL_COUNT]!, 0, price, quantity);
        continue;
      }
      for (let slot = levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
        const at = slot * 8;
        const quantity = orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
        this.put(
          book,
          flags,
          orders.words[at + ORDER_ID_LOW]!,
          orders.words[at + ORDER_ID_HIGH]!,
          price,
          quantity,
        );
        slot = orders.words[at + ORDER_NEXT]!;
      }
    }
  }

  /** @param price −Infinity = none. */
  put(book: number, flags: number, idLow: number, idHigh: number, price: number, quantity: number): void {
    const { view } = this.#frames;
    const at = FRAME_HEADER_BYTES + this.#records * IMAGE_RECORD_BYTES;
    view.setInt32(at, book, true);
    view.setInt32(at + 4, flags, true);
    view.setInt32(at + 8, idLow, true);
    view.setInt32(at + 12, idHigh, true);
    if (price === Number.NEGATIVE_INFINITY) {
      view.setInt32(at + 16, NULL_PRICE_LOW, true);
      view.setInt32(at + 20, NULL_PRICE_HIGH, true);
    } else putU64(view, at + 16, price);
    putU64(view, at + 24, quantity);
    putU64(view, at + 32, 0);
    this.#records += 1;
    if (this.#records === this.#recordsMax) this.flush();
  }

  flush(): void {
    if (this.#records === 0) return;
    this.#frames.write(FRAME_IMAGE, this.#records * IMAGE_RECORD_BYTES, this.#records, 0);
    this.written += this.#records;
    this.#records = 0;
  }
}
