import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import { formatScaled, formatScaledBig } from '../../event/format-text.ts';
import {
  CONDITION_NON_PRINTABLE,
  EXT_WORD_MATCH_ID,
  FLAG_FULL,
  FLAG_INFORMS,
  KIND_EXECUTE,
  KIND_TRADE,
  SIDE_ASK,
  SIDE_BID,
  WORD_BOOK,
  WORD_ID,
  WORD_QUANTITY,
} from '../../event/record.ts';
import type { EventObserver } from '../books.ts';
import { executionPrice, extensionOf, idText, priceSaid, restingOrder } from './resting.ts';
import { headOf, type RowHead } from './row-head.ts';

export type Aggressor = 'buy' | 'sell';

/** Something was traded: a print, or the execution of an order in the book. */
export interface TradeRow extends RowHead {
  readonly kind: 'trade' | 'execute';
  /** Null where neither the venue nor the book tells it. */
  readonly price: string | null;
  readonly quantity: string | null;
  /** Who took: of an execution the side opposite to the resting order's. Null where it is not known. */
  readonly aggressor: Aggressor | null;
  /** execute: the resting order; trade: the order that the venue names, if any. */
  readonly orderId: string | null;
  readonly matchId: string | null;
  /** False: to be left out of volume and last sale. */
  readonly printable: boolean;
}

/**
 * Makes a row of every trade and every execution. Executions that only inform are left out: the trade they belong to
 * has its own row.
 */
export class TradeRows implements EventObserver {
  readonly #sink: (row: TradeRow) => void;

  constructor(sink: (row: TradeRow) => void) {
    this.#sink = sink;
  }

  /** Before, because an execution may remove the order that tells its price. */
  before(batch: EventBatch, at: number, market: Market): void {
    const head = batch.words[at]!;
    const kind = head & 255;
    if (kind === KIND_TRADE) this.#trade(batch, at, market);
    else if (kind === KIND_EXECUTE && ((head >> 8) & FLAG_INFORMS) === 0) this.#execution(batch, at, market);
  }

  #trade(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const book = market.dictionary.books[words[at + WORD_BOOK]!];
    const scale = book?.priceScale ?? 0;
    this.#sink({
      ...headOf(batch, at, market.dictionary),
      kind: 'trade',
      price: priceSaid(words, at, scale),
      quantity: formatScaled(
        words[at + WORD_QUANTITY + 1]!,
        words[at + WORD_QUANTITY]!,
        book?.quantityScale ?? 0,
      ),
      aggressor: aggressorOf(words, at),
      orderId: idText(words, at + WORD_ID),
      ...extras(words, at),
    });
  }

  #execution(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const book = market.dictionary.books[words[at + WORD_BOOK]!];
    if (book === undefined) return;
    const resting = restingOrder(batch, at, market);
    const own = resting?.price ?? null;
    const isFull = ((words[at]! >> 8) & FLAG_FULL) !== 0;
    const quantity = isFull
      ? restingQuantity(resting?.quantity, book.quantityScale)
      : formatScaled(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, book.quantityScale);
    const said = executionPrice(words, at, book.priceScale);
    this.#sink({
      ...headOf(batch, at, market.dictionary),
      kind: 'execute',
      price: said ?? (own === null ? null : formatScaledBig(BigInt(own), book.priceScale)),
      quantity,
      aggressor: resting === null ? null : (resting.bookSide & 1) !== 0 ? 'buy' : 'sell',
      orderId: idText(words, at + WORD_ID),
      ...extras(words, at),
    });
  }
}

/** The side that took, as the venue says it. */
export function aggressorOf(words: Int32Array, at: number): Aggressor | null {
  const extension = extensionOf(words, at);
  if (extension < 0) return null;
  const side = (words[extension]! >> 8) & 255;
  return side === SIDE_BID ? 'buy' : side === SIDE_ASK ? 'sell' : null;
}

function extras(words: Int32Array, at: number): Pick<TradeRow, 'matchId' | 'printable'> {
  const extension = extensionOf(words, at);
  if (extension < 0) return { matchId: null, printable: true };
  return {
    matchId: idText(words, extension + EXT_WORD_MATCH_ID),
    printable: words[extension]! >>> 16 !== CONDITION_NON_PRINTABLE,
  };
}

function restingQuantity(quantity: number | undefined, scale: number): string | null {
  return quantity === undefined ? null : formatScaledBig(BigInt(quantity), scale);
}
