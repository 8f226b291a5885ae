import { formatScaledBig } from '../event/format-text.ts';
import type { Line } from './line.ts';
import type { NumberRange } from './line-ledger.ts';
import type { Simulation } from './simulation.ts';
import type { ToldBooks, ToldOrder } from './told-books.ts';
import { trueState } from './true-state.ts';

/** What a line carried, in counts; `numbers` are those that the feed gives, to messages or packets. */
export interface LineCounts {
  readonly sent: number;
  readonly heartbeats: number;
  readonly written: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
  /** Messages that came at least once in a whole packet. */
  readonly messages: number;
  readonly duplicateNumbers: number;
  readonly outOfOrderNumbers: number;
}

export function lineCounts(line: Line): LineCounts {
  const { ledger } = line.wire;
  return {
    sent: ledger.sent,
    heartbeats: ledger.heartbeats,
    written: ledger.written,
    lost: ledger.lost,
    duplicated: ledger.duplicated,
    reordered: ledger.reordered,
    corrupted: ledger.corruptions.length,
    messages: ledger.messages,
    duplicateNumbers: ledger.duplicateNumbers,
    outOfOrderNumbers: ledger.outOfOrderNumbers,
  };
}

/**
 * The truth about a simulation that has ended, as the text of one JSON document in pieces (docs/simulate.md).
 * `head` comes first: what was asked for.
 */
export function* truthText(simulation: Simulation, head: object): Generator<string> {
  const opening = JSON.stringify({ ...head, messagesByType: simulation.messagesByType() }, null, 2);
  yield opening.slice(0, opening.lastIndexOf('\n'));
  yield ',\n  "lines": {';
  for (const [index, line] of simulation.lines.entries()) {
    yield `${index > 0 ? ',' : ''}\n    ${JSON.stringify(line.profile.name)}: `;
    yield* lineText(line);
  }
  yield simulation.lines.length === 0 ? '},' : '\n  },';
  yield `\n  "book": ${JSON.stringify(trueState(simulation))},\n  "books": [`;
  let separator = '\n';
  for (const [index] of simulation.source.instruments.entries()) {
    yield separator;
    yield* bookText(simulation, index);
    separator = ',\n';
  }
  yield '\n  ]\n}\n';
}

function* lineText(line: Line): Generator<string> {
  const { ledger } = line.wire;
  const { group, port } = line.profile;
  const last = line.nextSequence - 1;
  const total = line.messagesByType();
  const missing = ledger.missingByName();
  const messagesByType = Object.fromEntries(
    Object.entries(total)
      .map(([type, count]) => [type, count - (missing[type] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
  const facts = JSON.stringify({
    group,
    port,
    first: '1',
    last: String(last),
    ...lineCounts(line),
    messagesByType,
  });
  yield facts.slice(0, -1);
  yield ',\n      "carried": ';
  yield* listText(ledger.carriedRanges(last), rangeOf);
  yield ',\n      "missing": ';
  yield* listText(ledger.lostRanges(), rangeOf);
  yield ',\n      "corruptions": ';
  yield* listText(ledger.corruptions, ({ packet, messages, offset, mask }) => ({
    packet,
    messages: messages === null ? null : rangeOf(messages),
    offset,
    mask,
  }));
  yield '}';
}

function rangeOf({ from, to }: NumberRange): object {
  return { from: String(from), to: String(to) };
}

/** A JSON list with an entry on each line. */
function* listText<T>(entries: Iterable<T>, describe: (entry: T) => object): Generator<string> {
  let separator = '[\n        ';
  for (const entry of entries) {
    yield `${separator}${JSON.stringify(describe(entry))}`;
    separator = ',\n        ';
  }
  yield separator.startsWith('[') ? '[]' : ']';
}

function* bookText({ source, books }: Simulation, index: number): Generator<string> {
  const head = {
    publisher: books.publisher,
    instrument: String(books.instrument(index)),
    symbol: source.instruments[index].symbol,
    orders: books.orders(index),
    bid: bestOf(books, index * 2),
    ask: bestOf(books, index * 2 + 1),
  };
  const describe = ({ id, key, price, quantity }: ToldOrder): object => ({
    id: String(id),
    ...(key === undefined ? {} : { key: String(key) }),
    price: priceText(books, price),
    quantity: quantityText(books, quantity),
  });
  yield `    ${JSON.stringify(head).slice(0, -1)},\n      "bids": `;
  yield* listText(books.queue(index * 2), describe);
  yield ',\n      "asks": ';
  yield* listText(books.queue(index * 2 + 1), describe);
  yield '}';
}

/** Best level of a side as reports print it. */
function bestOf(books: ToldBooks, bookSide: number): object | null {
  let best: bigint | null | undefined;
  let total = 0n;
  let orders = 0;
  for (const { price, quantity } of books.queue(bookSide)) {
    if (orders > 0 && price !== best) break;
    best = price;
    total += quantity;
    orders += 1;
  }
  if (best === undefined) return null;
  return { price: priceText(books, best), quantity: quantityText(books, total), orders };
}

/** A price with all the digits that the wire format has; null for a market order. */
function priceText({ priceScale }: ToldBooks, price: bigint | null): string | null {
  return price === null ? null : formatScaledBig(price, priceScale);
}

function quantityText({ quantityScale }: ToldBooks, quantity: bigint): string {
  return formatScaledBig(quantity, quantityScale);
}
