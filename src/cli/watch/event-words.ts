import type { Market } from '../../core/book/market.ts';
import type { EventBatch } from '../../core/event/batch.ts';
import { formatScaled, formatScaledBig } from '../../core/event/format-text.ts';
import {
  FLAG_ASK,
  FLAG_FULL,
  FLAG_INFORMS,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_NAMES,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_TRADE,
  WORD_BOOK,
  WORD_ID,
  WORD_QUANTITY,
} from '../../core/event/record.ts';
import { executionPrice, idText, priceSaid, restingOrder } from '../../core/pipeline/rows/resting.ts';
import { aggressorOf } from '../../core/pipeline/rows/trade-rows.ts';
import { quantityText, trimmed } from '../numbers.ts';

/** Least digits of a price behind its point. */
const DECIMALS = 2;

/** An event in words, before it is applied: `add bid 64.78 × 3  #805`. */
export function eventWords(batch: EventBatch, at: number, market: Market): string {
  const { words } = batch;
  const kind = words[at]! & 255;
  const name = KIND_NAMES[kind] ?? String(kind);
  const book = market.dictionary.books[words[at + WORD_BOOK]!];
  if (book === undefined) return name;
  const flags = (words[at]! >> 8) & 255;
  const { priceScale, quantityScale } = book;
  const side = (flags & FLAG_ASK) !== 0 ? 'ask' : 'bid';
  const price = (text: string | null): string => (text === null ? 'market' : trimmed(text, DECIMALS));
  const said = price(priceSaid(words, at, priceScale));
  const quantity = quantityText(
    formatScaled(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, quantityScale),
  );
  const id = idText(words, at + WORD_ID);
  const order = id === null ? '' : `  #${id}`;
  if (kind === KIND_ADD || kind === KIND_LEVEL) {
    return `${name} ${side} ${said} × ${quantity}${kind === KIND_ADD ? order : ''}`;
  }
  if (kind === KIND_TRADE) {
    const aggressor = aggressorOf(words, at);
    return `trade ${said} × ${quantity}${aggressor === null ? '' : ` ${aggressor}`}`;
  }
  if (kind === KIND_CLEAR) return (flags & FLAG_ONE_SIDE) !== 0 ? `clear ${side}s` : 'clear';
  if (kind !== KIND_MODIFY && (kind < KIND_REPLACE || kind > KIND_EXECUTE)) return name;
  const resting = restingOrder(batch, at, market);
  if (resting === null) return `${name} of an unknown order${order}`;
  const its = (resting.bookSide & 1) !== 0 ? 'ask' : 'bid';
  const own = price(resting.price === null ? null : formatScaledBig(BigInt(resting.price), priceScale));
  const had = quantityText(formatScaledBig(BigInt(resting.quantity), quantityScale));
  const before = `${name} ${its} ${own} × ${had}`;
  switch (kind) {
    case KIND_MODIFY:
      return `${before} → ${(flags & FLAG_QUANTITY_ONLY) !== 0 ? own : said} × ${quantity}${order}`;
    case KIND_REPLACE:
      return `${before} → ${said} × ${quantity}${order}`;
    case KIND_REDUCE:
      return `${before} by ${quantity}${order}`;
    case KIND_DELETE:
      return `${before}${order}`;
    default: {
      const done = executionPrice(words, at, priceScale);
      const at_ = done === null ? '' : ` at ${price(done)}`;
      const all = (flags & FLAG_FULL) !== 0 ? 'all' : quantity;
      return `${before}: ${all}${at_}${(flags & FLAG_INFORMS) !== 0 ? ' (told)' : ''}${order}`;
    }
  }
}
