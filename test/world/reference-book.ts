import {
  FLAG_BEFORE,
  FLAG_FULL,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
} from '../../src/core/event/record.ts';
import type { BookRules } from '../../src/core/event/rules.ts';
import type { EventInput } from './event-builder.ts';

/** What a record has for orders without a price. */
export const MARKET_PRICE: bigint = -(1n << 63n);
const EXACT_MAX = (1n << 53n) - 1n;

interface Order {
  readonly id: bigint;
  readonly book: number;
  readonly ask: boolean;
  price: bigint;
  quantity: bigint;
}

/** A price level of a book without orders. */
interface Level {
  readonly book: number;
  readonly ask: boolean;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly orders: bigint;
}

/**
 * A market as the rules tell it, slow and plain: one list of all orders in order of priority, searched from the
 * start for everything. Shares nothing with the real one but the rules and the numbers of kinds and flags.
 */
export class ReferenceMarket {
  readonly counts: Record<string, number> = {};
  readonly stale: Set<number> = new Set();
  readonly #rules: BookRules;
  /** Earlier in the list = earlier in the queue of its price. */
  #orders: Order[] = [];
  #levels: Level[] = [];
  #group: Set<number> = new Set();

  constructor(rules: BookRules) {
    this.#rules = rules;
  }

  apply(event: EventInput): void {
    const flags = event.flags ?? 0;
    this.#change(event, flags);
    if (event.book >= 0) this.#group.add(event.book);
    if ((flags & FLAG_LAST) === 0) return;
    this.#count('groups');
    const judged = this.#rules.groupScope === 'source' ? [...this.#group] : [event.book];
    for (const book of judged) this.#judge(book);
    this.#group.clear();
  }

  /** Everything that can be seen of the books: per side from best to worst, oldest first. */
  state(): string[] {
    const lines: string[] = [];
    for (const entry of [...this.#orders.map((order) => ({ ...order, orders: null })), ...this.#levels]) {
      const { book, ask, price, quantity } = entry;
      const label = 'id' in entry ? `#${entry.id}` : `(${entry.orders})`;
      lines.push(
        `${book} ${ask ? 'ask' : 'bid'} ${price === MARKET_PRICE ? 'market' : price} ${label} ${quantity}`,
      );
    }
    const rank = (line: string): number => this.#rank(line);
    return lines
      .map((line, index) => ({ line, index }))
      .toSorted((a, b) => rank(a.line) - rank(b.line) || a.index - b.index)
      .map(({ line }) => line);
  }

  /** Books apart, bids first, market orders first, then best to worst; prices in tests are far below 2^40. */
  #rank(line: string): number {
    const [book, side, price] = line.split(' ') as [string, string, string];
    const better = price === 'market' ? -(2 ** 45) : side === 'ask' ? Number(price) : -Number(price);
    return Number(book) * 2 ** 48 + (side === 'ask' ? 2 ** 47 : 0) + better;
  }

  #change(event: EventInput, flags: number): void {
    const quantity = event.quantity ?? 0n;
    switch (event.kind) {
      case KIND_ADD:
        this.#add(event, event.book, event.ask === true, flags);
        break;
      case KIND_MODIFY:
        this.#modify(event, flags);
        break;
      case KIND_REPLACE:
        this.#replace(event, flags);
        break;
      case KIND_REDUCE:
        if (quantity <= 0n) this.#count('rejected quantity');
        else this.#take(event, quantity, 'unknown reduce');
        break;
      case KIND_DELETE:
        this.#take(event, null, 'unknown delete');
        break;
      case KIND_EXECUTE:
        if ((flags & FLAG_INFORMS) !== 0) {
          if (this.#find(event.id ?? 0n, event) === undefined) this.#count('unknown informs');
        } else if ((flags & FLAG_FULL) !== 0) this.#take(event, null, 'unknown execute');
        else if (quantity <= 0n) this.#count('rejected quantity');
        else this.#take(event, quantity, 'unknown execute');
        break;
      case KIND_LEVEL:
        this.#level(event);
        break;
      case KIND_CLEAR:
        this.#clear(event, flags);
        break;
      default:
        break;
    }
  }

  #add(event: EventInput, book: number, ask: boolean, flags: number): void {
    const { id = 0n, price = 0n, quantity = 0n } = event;
    if (book < 0) {
      this.#count('rejected book');
      return;
    }
    if (quantity <= 0n) {
      this.#count('rejected quantity');
      return;
    }
    if (quantity > EXACT_MAX || isOut(price)) {
      this.#rejectRange(book);
      return;
    }
    if (this.#levels.some((level) => level.book === book)) {
      this.#count('rejected mixed');
      return;
    }
    const twin = this.#find(id, { book, ask });
    if (twin !== undefined) {
      this.#count('duplicate');
      this.#drop(twin);
    }
    if (this.#totalAt(book, ask, price) + quantity > EXACT_MAX) {
      this.#rejectRange(book);
      return;
    }
    const order: Order = { id, book, ask, price, quantity };
    const related = event.related === undefined ? undefined : this.#find(event.related, { book, ask });
    const before = (flags & FLAG_BEFORE) !== 0 && event.kind === KIND_ADD ? related : undefined;
    const joins =
      before !== undefined && before.book === book && before.ask === ask && before.price === price;
    if (joins) this.#orders.splice(this.#orders.indexOf(before), 0, order);
    else this.#orders.push(order);
  }

  #modify(event: EventInput, flags: number): void {
    const { id = 0n, price = 0n, quantity = 0n } = event;
    const order = this.#find(id, event);
    if (order === undefined) {
      this.#count('unknown modify');
      if (this.#rules.modifyUnknown === 'add') this.#add(event, event.book, event.ask === true, flags);
      return;
    }
    if (event.book >= 0 && order.ask !== (event.ask === true)) {
      this.#count('rejected side');
      return;
    }
    if (quantity < 0n) {
      this.#count('rejected quantity');
      return;
    }
    if (quantity === 0n) {
      this.#drop(order);
      return;
    }
    const only = (flags & FLAG_QUANTITY_ONLY) !== 0;
    const target = only ? order.price : price;
    if (quantity > EXACT_MAX || (!only && isOut(price))) {
      this.#rejectRange(order.book);
      return;
    }
    const same = target === order.price;
    const total = this.#totalAt(order.book, order.ask, target) - (same ? order.quantity : 0n) + quantity;
    if (total > EXACT_MAX) {
      this.#rejectRange(order.book);
      return;
    }
    const kept = this.#rules.modifyPriority === 'keptUnlessBetter' && quantity <= order.quantity;
    const keeps = same && (only || (flags & FLAG_KEEP_PRIORITY) !== 0 || kept);
    order.price = target;
    order.quantity = quantity;
    if (keeps) return;
    this.#drop(order);
    this.#orders.push(order);
  }

  #replace(event: EventInput, flags: number): void {
    const old = event.related === undefined ? undefined : this.#find(event.related, event);
    if (old === undefined) {
      this.#count('unknown replace');
      if (this.#rules.replaceUnknown === 'add') this.#add(event, event.book, event.ask === true, flags);
      return;
    }
    this.#drop(old);
    this.#add(event, old.book, old.ask, flags);
  }

  /** Takes a quantity, or all of it, off an order. */
  #take(event: EventInput, quantity: bigint | null, unknown: string): void {
    const order = this.#find(event.id ?? 0n, event);
    if (order === undefined) {
      this.#count(unknown);
      return;
    }
    if (quantity !== null && quantity > order.quantity) this.#count('over-reduced');
    if (quantity === null || quantity >= order.quantity) this.#drop(order);
    else order.quantity -= quantity;
  }

  #level(event: EventInput): void {
    const { book, ask = false, id = 0n, price = 0n, quantity = 0n } = event;
    if (quantity < 0n) {
      this.#count('rejected quantity');
      return;
    }
    if (quantity > EXACT_MAX || isOut(price)) {
      this.#rejectRange(book);
      return;
    }
    if (this.#orders.some((order) => order.book === book)) {
      this.#count('rejected mixed');
      return;
    }
    const at = this.#levels.findIndex(
      (level) => level.book === book && level.ask === ask && level.price === price,
    );
    if (at >= 0) this.#levels.splice(at, 1);
    if (quantity > 0n) this.#levels.push({ book, ask, price, quantity, orders: id });
  }

  #clear({ book, ask = false }: EventInput, flags: number): void {
    const oneSide = (flags & FLAG_ONE_SIDE) !== 0 && book >= 0;
    const stays = (entry: { book: number; ask: boolean }): boolean =>
      (book >= 0 && entry.book !== book) || (oneSide && entry.ask !== ask);
    this.#orders = this.#orders.filter(stays);
    this.#levels = this.#levels.filter(stays);
    if (this.#rules.clearRestores !== true || oneSide) return;
    if (book >= 0) this.stale.delete(book);
    else this.stale.clear();
  }

  #judge(book: number): void {
    const limits = (ask: boolean): bigint[] =>
      [...this.#orders, ...this.#levels]
        .filter((entry) => entry.book === book && entry.ask === ask && entry.price !== MARKET_PRICE)
        .map(({ price }) => price);
    const bids = limits(false);
    const asks = limits(true);
    if (bids.length === 0 || asks.length === 0) return;
    const bid = bids.toSorted(compare).at(-1)!;
    const ask = asks.toSorted(compare)[0]!;
    if (bid > ask) this.#count('crossed');
    else if (bid === ask) this.#count('locked');
  }

  #find(id: bigint, { book, ask = false }: { book: number; ask?: boolean }): Order | undefined {
    const { idScope } = this.#rules;
    return this.#orders.find(
      (order) =>
        order.id === id &&
        (idScope === 'source' || order.book === book) &&
        (idScope !== 'bookSide' || order.ask === ask),
    );
  }

  #totalAt(book: number, ask: boolean, price: bigint): bigint {
    return this.#orders
      .filter((order) => order.book === book && order.ask === ask && order.price === price)
      .reduce((sum, { quantity }) => sum + quantity, 0n);
  }

  #drop(order: Order): void {
    this.#orders.splice(this.#orders.indexOf(order), 1);
  }

  #rejectRange(book: number): void {
    this.#count('rejected range');
    this.stale.add(book);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

function isOut(price: bigint): boolean {
  return price !== MARKET_PRICE && (price > EXACT_MAX || price < -EXACT_MAX);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
