import { formatScaledBig } from '../event/format-text.ts';
import { countsByName } from './itch-session.ts';
import type { Line } from './line.ts';
import type { NumberRange } from './line-ledger.ts';
import type { RestingOrder } from './price-time-books.ts';
import type { Simulation } from './simulation.ts';
import { trueState } from './true-state.ts';

/** What a line carried, in counts; `numbers` are message numbers, the others packets. */
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
    yield* lineText(line, simulation);
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

function* lineText(line: Line, simulation: Simulation): Generator<string> {
  const { ledger } = line.wire;
  const { group, port } = line.profile;
  const last = line.nextSequence - 1;
  const total = simulation.messagesByType();
  const missing = countsByName(ledger.missingByType);
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

function* bookText(simulation: Simulation, index: number): Generator<string> {
  const { source } = simulation;
  const { books } = source;
  const { number, symbol } = source.instruments[index];
  const describe = ({ id, price, quantity }: RestingOrder): object => ({
    id: String(id),
    price: priceText(simulation, price),
    quantity: String(quantity),
  });
  const head = {
    publisher: simulation.publisher,
    instrument: String(number),
    symbol,
    orders: books.live[index].length,
    bid: bestOf(simulation, index * 2),
    ask: bestOf(simulation, index * 2 + 1),
  };
  yield `    ${JSON.stringify(head).slice(0, -1)},\n      "bids": `;
  yield* listText(books.queue(index * 2), describe);
  yield ',\n      "asks": ';
  yield* listText(books.queue(index * 2 + 1), describe);
  yield '}';
}

/** Best level of a side as reports print it. */
function bestOf(simulation: Simulation, bookSide: number): object | null {
  const { books } = simulation.source;
  const head = books.head(bookSide);
  if (head === 0) return null;
  let quantity = 0;
  let orders = 0;
  for (let slot = head; slot !== 0; slot = books.behind(slot)) {
    quantity += books.quantity(slot);
    orders += 1;
  }
  return { price: priceText(simulation, books.price(head)), quantity: String(quantity), orders };
}

/** A price with all the digits that the wire format has. */
function priceText(simulation: Simulation, price: number): string {
  const { priceScale, source } = simulation;
  return formatScaledBig(BigInt(price) * 10n ** BigInt(priceScale - source.priceScale), priceScale);
}
