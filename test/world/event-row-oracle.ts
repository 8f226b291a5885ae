import type { Market } from '../../src/core/book/market.ts';
import type { OrderDetail } from '../../src/core/book/view.ts';
import type { EventBatch } from '../../src/core/event/batch.ts';
import type { BookDefinition } from '../../src/core/event/dictionary.ts';
import { formatScaled, formatScaledBig, formatUnsigned } from '../../src/core/event/format-text.ts';
import * as record from '../../src/core/event/record.ts';
import type { Feed } from '../../src/core/feeds/feed.ts';
import type { EventObserver } from '../../src/core/pipeline/books.ts';
import type { EventRow } from '../../src/core/pipeline/rows/event-rows.ts';
import {
  executionPrice,
  extensionOf,
  idText,
  priceSaid,
  restingOrder,
} from '../../src/core/pipeline/rows/resting.ts';
import { headOf, type RowHead } from '../../src/core/pipeline/rows/row-head.ts';
import { aggressorOf } from '../../src/core/pipeline/rows/trade-rows.ts';

const NOTHING: Omit<EventRow, keyof RowHead | 'kind' | 'flags'> = {
  side: null,
  price: null,
  quantity: null,
  orderId: null,
  relatedId: null,
  executionPrice: null,
  matchId: null,
  aggressor: null,
  orders: null,
  messageType: null,
  state: null,
  from: null,
  to: null,
};

const GAP_STATES: readonly (string | null)[] = [null, 'open', 'filled', 'lost'];

/** Makes a row of every event the plain way, an object with texts: what the faster writers are compared with. */
export class PlainEventRows implements EventObserver {
  readonly #sink: (row: EventRow) => void;
  #feed: Feed | null = null;

  constructor(sink: (row: EventRow) => void) {
    this.#sink = sink;
  }

  start(feed: Feed): void {
    this.#feed = feed;
  }

  before(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const kind = words[at]! & 255;
    const book = market.dictionary.books[words[at + record.WORD_BOOK]!];
    this.#sink({
      ...headOf(batch, at, market.dictionary),
      kind: record.KIND_NAMES[kind] ?? String(kind),
      flags: flagsOf(words, at),
      ...NOTHING,
      ...this.#body(batch, at, kind, book, market),
    });
  }

  #body(
    batch: EventBatch,
    at: number,
    kind: number,
    book: BookDefinition | undefined,
    market: Market,
  ): Partial<EventRow> {
    const { words } = batch;
    switch (kind) {
      case record.KIND_GAP: {
        const first = idText(words, at + record.WORD_ID);
        const count = BigInt(formatUnsigned(words[at + 7]!, words[at + record.WORD_QUANTITY]!));
        return {
          from: first,
          to: first === null ? null : String(BigInt(first) + count - 1n),
          state: GAP_STATES[words[at + record.WORD_PRICE]!] ?? null,
        };
      }
      case record.KIND_SESSION:
      case record.KIND_RESET:
        return { from: idText(words, at + record.WORD_ID) };
      case record.KIND_STATUS:
      case record.KIND_DEFINITION:
      case record.KIND_VENUE:
        return {
          messageType: this.#feed?.typeName(words[at + record.WORD_QUANTITY]!) ?? null,
          state: words[at + record.WORD_PRICE]! || null,
          matchId: matchIdOf(words, at),
        };
      case record.KIND_CLEAR:
        return { side: hasFlag(words, at, record.FLAG_ONE_SIDE) ? sideSaid(words, at) : null };
      default:
        return book === undefined
          ? { orderId: idText(words, at + record.WORD_ID) }
          : orderEvent(batch, at, kind, book, market);
    }
  }
}

/** What the events about orders, levels and trades say, completed from the order in the book where it has to be. */
function orderEvent(
  batch: EventBatch,
  at: number,
  kind: number,
  book: BookDefinition,
  market: Market,
): Partial<EventRow> {
  const { words } = batch;
  const said = {
    price: priceSaid(words, at, book.priceScale),
    quantity: formatScaled(
      words[at + record.WORD_QUANTITY + 1]!,
      words[at + record.WORD_QUANTITY]!,
      book.quantityScale,
    ),
    orderId: idText(words, at + record.WORD_ID),
  };
  const extension = extensionOf(words, at);
  switch (kind) {
    case record.KIND_ADD: {
      const related = extension < 0 ? null : idText(words, extension + record.EXT_WORD_RELATED_ID);
      return { ...said, side: sideSaid(words, at), relatedId: related };
    }
    case record.KIND_LEVEL: {
      const { price, quantity, orderId } = said;
      return { price, quantity, side: sideSaid(words, at), orders: orderId };
    }
    case record.KIND_TRADE:
      return { ...said, aggressor: aggressorOf(words, at), matchId: matchIdOf(words, at) };
    default:
      break;
  }
  const resting = restingOrder(batch, at, market);
  const restingPrice = restingPriceText(resting, book.priceScale);
  switch (kind) {
    case record.KIND_MODIFY: {
      const isQuantity = hasFlag(words, at, record.FLAG_QUANTITY_ONLY);
      const side = isQuantity && resting !== null ? sideOf(resting, words, at) : sideSaid(words, at);
      return { ...said, price: isQuantity ? restingPrice : said.price, side };
    }
    case record.KIND_REPLACE:
      return {
        ...said,
        side: sideOf(resting, words, at),
        relatedId: extension < 0 ? null : idText(words, extension + record.EXT_WORD_RELATED_ID),
      };
    case record.KIND_EXECUTE:
      return {
        side: sideOf(resting, words, at),
        price: restingPrice,
        quantity: hasFlag(words, at, record.FLAG_FULL)
          ? restingQuantityText(resting, book.quantityScale)
          : said.quantity,
        orderId: said.orderId,
        executionPrice: executionPrice(words, at, book.priceScale),
        matchId: matchIdOf(words, at),
      };
    default: {
      // reduce, delete: feeds that name a price here name the order's own.
      const isSaid = words[at + record.WORD_PRICE]! !== 0 || words[at + record.WORD_PRICE + 1]! !== 0;
      return {
        side: sideOf(resting, words, at),
        price: resting === null && isSaid ? said.price : restingPrice,
        quantity: kind === record.KIND_REDUCE ? said.quantity : null,
        orderId: said.orderId,
      };
    }
  }
}

function hasFlag(words: Int32Array, at: number, flag: number): boolean {
  return ((words[at]! >> 8) & flag) !== 0;
}

function sideSaid(words: Int32Array, at: number): 'bid' | 'ask' {
  return hasFlag(words, at, record.FLAG_ASK) ? 'ask' : 'bid';
}

/** Side of the order in the book; of one that it does not hold only where the event itself says "ask". */
function sideOf(resting: OrderDetail | null, words: Int32Array, at: number): 'bid' | 'ask' | null {
  if (resting !== null) return (resting.bookSide & 1) !== 0 ? 'ask' : 'bid';
  return hasFlag(words, at, record.FLAG_ASK) ? 'ask' : null;
}

function restingPriceText(resting: OrderDetail | null, scale: number): string | null {
  return resting === null || resting.price === null ? null : formatScaledBig(BigInt(resting.price), scale);
}

function restingQuantityText(resting: OrderDetail | null, scale: number): string | null {
  return resting === null ? null : formatScaledBig(BigInt(resting.quantity), scale);
}

function matchIdOf(words: Int32Array, at: number): string | null {
  const extension = extensionOf(words, at);
  return extension < 0 ? null : idText(words, extension + record.EXT_WORD_MATCH_ID);
}

function flagsOf(words: Int32Array, at: number): string[] {
  const bits = (words[at]! >> 8) & 255;
  const kind = words[at]! & 255;
  const flags: string[] = [];
  if ((bits & record.FLAG_LAST) !== 0) flags.push('last');
  if ((bits & record.FLAG_SNAPSHOT) !== 0) flags.push('snapshot');
  if ((bits & record.FLAG_KEEP_PRIORITY) !== 0) flags.push('keepPriority');
  if ((bits & record.FLAG_INFORMS) !== 0) flags.push('informs');
  if ((bits & record.FLAG_BEFORE) !== 0) flags.push('before');
  if ((bits & record.FLAG_BY_KIND) !== 0) {
    if (kind === record.KIND_MODIFY) flags.push('quantityOnly');
    if (kind === record.KIND_EXECUTE) flags.push('full');
    if (kind === record.KIND_CLEAR) flags.push('oneSide');
  }
  const extension = extensionOf(words, at);
  if (extension >= 0 && words[extension]! >>> 16 === record.CONDITION_NON_PRINTABLE)
    flags.push('nonPrintable');
  return flags;
}
