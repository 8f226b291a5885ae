/** What a proof reads of the reports of `mdx replay --json` and `mdx book --json`. */
export interface ReplayReport {
  readonly feed: { readonly messages: number; readonly messagesByType: Readonly<Record<string, number>> };
  readonly sequence: { readonly channels: readonly { readonly gaps: readonly NumberRange[] }[] } | null;
  readonly events: Readonly<Record<string, number>>;
  readonly anomalies: { readonly unknownOrder: Readonly<Record<string, number>>; readonly rejected: number };
  readonly book: Readonly<Record<string, number | string>>;
  readonly instruments: readonly Best[];
}

/** What `mdx book --orders --json` adds: the queue of every level. */
export interface BookReport extends ReplayReport {
  readonly instruments: readonly (Best & {
    readonly bids: readonly QueuedLevel[];
    readonly asks: readonly QueuedLevel[];
  })[];
}

interface QueuedLevel {
  readonly price: string | null;
  readonly queue: readonly { readonly orderId: string; readonly quantity: string }[];
}

/** What a proof reads of the truth that `mdx simulate --truth` writes (docs/simulate.md). */
export interface Truth {
  readonly messages: number;
  readonly messagesByType: Readonly<Record<string, number>>;
  readonly lines: Readonly<
    Record<string, { readonly messages: number; readonly missing: readonly NumberRange[] }>
  >;
  readonly book: Readonly<Record<string, number | string>>;
  readonly books: readonly (Best & { readonly bids: readonly Order[]; readonly asks: readonly Order[] })[];
}

interface Order {
  readonly id: string;
  readonly price: string;
  readonly quantity: string;
}

/** Message numbers, both included. */
export interface NumberRange {
  readonly from: string;
  readonly to: string;
}

interface Best {
  readonly symbol: string | null;
  readonly bid: object | null;
  readonly ask: object | null;
}

/** One thing that has to be the same. */
export interface Comparison {
  readonly what: string;
  readonly truth: string;
  readonly replay: string;
  readonly equal: boolean;
}

/** Holds the books of a replay against the truth of a session that came whole. */
export function compareWhole(truth: Truth, report: BookReport): Comparison[] {
  const unknown = Object.values(report.anomalies.unknownOrder).reduce((sum, count) => sum + count, 0);
  return [
    compare('messages', truth.messages, report.feed.messages),
    compareAll('kinds of message', truth.messagesByType, report.feed.messagesByType),
    compare('events', truth.messages, report.events['total']),
    compare('orders nobody knows', 0, unknown),
    compare('books', truth.book['instruments'], report.book['instruments']),
    compareAll('orders, in their queues', trueQueues(truth), queuesOf(report)),
    compare('levels', truth.book['levels'], report.book['levels']),
    compareAll('best prices', bestOf(truth.books), bestOf(report.instruments)),
    compare('state hash', truth.book['stateHash'], report.book['stateHash']),
  ];
}

/** Holds the report of a replay of line A against what that line lost, range by range. */
export function compareLoss(truth: Truth, report: ReplayReport): Comparison[] {
  const line = truth.lines['A']!;
  const gaps = report.sequence?.channels.flatMap((channel) => channel.gaps) ?? [];
  return [
    compare('messages', line.messages, report.feed.messages),
    compareAll('lost ranges', line.missing.map(rangeText), gaps.map(rangeText)),
    compare('lost messages', countOf(line.missing), countOf(gaps)),
  ];
}

/** Holds the final books of whoever came late against the truth: what was before is in none of the other numbers. */
export function compareEnd(truth: Truth, report: ReplayReport): Comparison[] {
  const names = { instruments: 'books', orders: 'orders', levels: 'levels', stateHash: 'state hash' };
  return Object.entries(names).map(([name, what]) => compare(what, truth.book[name], report.book[name]));
}

function compare(what: string, truth: unknown, replay: unknown): Comparison {
  return { what, truth: String(truth), replay: String(replay), equal: truth === replay };
}

/** Compares every entry of two lists; what is shown is their length. */
function compareAll(what: string, truth: object, replay: object): Comparison {
  const count = (list: object): string => String(Object.keys(list).length);
  const equal = JSON.stringify(truth) === JSON.stringify(replay);
  return { what, truth: count(truth), replay: count(replay), equal };
}

function bestOf(books: readonly Best[]): Best[] {
  return books
    .filter(({ bid, ask }) => bid !== null || ask !== null)
    .map(({ symbol, bid, ask }) => ({ symbol, bid, ask }));
}

/** A line of text for every order, side by side in the order of the queues. */
function trueQueues({ books }: Truth): string[] {
  return books.flatMap(({ symbol, bids, asks }) =>
    [bids, asks].flatMap((orders, side) =>
      orders.map(({ id, price, quantity }) => [symbol, side, price, id, quantity].join(' ')),
    ),
  );
}

function queuesOf({ instruments }: BookReport): string[] {
  return instruments.flatMap(({ symbol, bids, asks }) =>
    [bids, asks].flatMap((levels, side) =>
      levels.flatMap(({ price, queue }) =>
        queue.map(({ orderId, quantity }) => [symbol, side, price, orderId, quantity].join(' ')),
      ),
    ),
  );
}

function rangeText({ from, to }: NumberRange): string {
  return `${from}–${to}`;
}

function countOf(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0);
}
