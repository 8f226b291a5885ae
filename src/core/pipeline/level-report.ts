import type { Market } from '../book/market.ts';
import { depthOf, type LevelView, ordersOf } from '../book/view.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { formatScaledBig } from '../event/format-text.ts';

/** A price level in reports and rows: exact decimals in the book's scales; price null and `market` true for orders without a price. */
export interface LevelReport {
  readonly price: string | null;
  readonly quantity: string;
  readonly orders: number;
  readonly market?: true;
  /** Its orders, the oldest first, where they were asked for. */
  readonly queue?: readonly QueuedReport[];
}

/** An order in its queue. */
export interface QueuedReport {
  readonly orderId: string;
  readonly quantity: string;
}

/** Puts a level into words. */
export function levelReport({ price, quantity, orders }: LevelView, definition: BookDefinition): LevelReport {
  const text = formatScaledBig(BigInt(quantity), definition.quantityScale);
  if (price === null) return { price: null, quantity: text, orders, market: true };
  return { price: formatScaledBig(BigInt(price), definition.priceScale), quantity: text, orders };
}

/** The best levels of one side, best first; `queues` adds the orders of each. */
export function levelReports(
  market: Market,
  definition: BookDefinition,
  ask: boolean,
  depth: number,
  queues: boolean,
): LevelReport[] {
  const views = depthOf(market, definition.number, ask, depth);
  const levels = views.map((view) => levelReport(view, definition));
  if (!queues) return levels;
  const queueAt = new Map<number | null, QueuedReport[]>(views.map(({ price }) => [price, []]));
  for (const { id, price, quantity } of ordersOf(market, definition.number, ask)) {
    const queue = queueAt.get(price);
    if (queue === undefined) break;
    queue.push({
      orderId: String(id),
      quantity: formatScaledBig(BigInt(quantity), definition.quantityScale),
    });
  }
  return levels.map((level, at) => ({ ...level, queue: queueAt.get(views[at]!.price)! }));
}
