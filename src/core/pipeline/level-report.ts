import type { LevelView } from '../book/view.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { formatScaledBig } from '../event/format-text.ts';

/** A price level in reports and rows: exact decimals in the book's scales; price null and `market` true for orders without a price. */
export interface LevelReport {
  readonly price: string | null;
  readonly quantity: string;
  readonly orders: number;
  readonly market?: true;
}

/** Puts a level into words. */
export function levelReport({ price, quantity, orders }: LevelView, definition: BookDefinition): LevelReport {
  const text = formatScaledBig(BigInt(quantity), definition.quantityScale);
  if (price === null) return { price: null, quantity: text, orders, market: true };
  return { price: formatScaledBig(BigInt(price), definition.priceScale), quantity: text, orders };
}
