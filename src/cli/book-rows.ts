import { type CsvValue, csvLine } from '../core/convert/csv.ts';
import type { DepthReport, InstrumentReport, RunReport } from '../core/pipeline/report.ts';

const HEAD_COLUMNS = ['source', 'publisher', 'instrument', 'symbol', 'stale'] as const;
const LEVEL_COLUMNS = ['side', 'level', 'price', 'quantity', 'orders'] as const;
const ORDER_COLUMNS = ['side', 'level', 'price', 'position', 'orderId', 'quantity'] as const;

/** The books of a report line by line: a JSON object per book, or a CSV line per level or, with `queues`, per order. */
export function* bookRows(report: RunReport, format: 'ndjson' | 'csv', queues: boolean): Generator<string> {
  const books = report.instruments as readonly (InstrumentReport & DepthReport)[];
  if (format === 'ndjson') {
    for (const book of books) yield `${JSON.stringify(book)}\n`;
    return;
  }
  yield csvLine([...HEAD_COLUMNS, ...(queues ? ORDER_COLUMNS : LEVEL_COLUMNS)]);
  for (const book of books) {
    const head = HEAD_COLUMNS.map((column): CsvValue => book[column]);
    for (const [side, levels] of [
      ['bid', book.bids],
      ['ask', book.asks],
    ] as const) {
      for (const [at, { price, quantity, orders, queue = [] }] of levels.entries()) {
        const level = [...head, side, at + 1, price];
        if (!queues) yield csvLine([...level, quantity, orders]);
        // A feed of price levels tells no orders.
        else if (queue.length === 0) yield csvLine([...level, null, null, quantity]);
        for (const [place, order] of queue.entries()) {
          yield csvLine([...level, place + 1, order.orderId, order.quantity]);
        }
      }
    }
  }
}
