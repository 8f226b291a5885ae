import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import { formatScaled, formatUnsigned } from '../../event/format-text.ts';
import * as record from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { EventObserver } from '../books.ts';
import { EventFields, type Halves } from './event-fields.ts';
import { headOf, type RowHead } from './row-head.ts';
import type { Aggressor } from './trade-rows.ts';

/** One event. What its kind does not have is null. */
export interface EventRow extends RowHead {
  readonly kind: string;
  readonly flags: readonly string[];
  readonly side: 'bid' | 'ask' | null;
  /** Null also for orders without a price. */
  readonly price: string | null;
  readonly quantity: string | null;
  readonly orderId: string | null;
  /** replace: the order that leaves; add before another: that one. */
  readonly relatedId: string | null;
  readonly executionPrice: string | null;
  readonly matchId: string | null;
  readonly aggressor: Aggressor | null;
  /** level: orders in it. */
  readonly orders: string | null;
  /** status, definition, venue: the venue's message type and state code. */
  readonly messageType: string | null;
  readonly state: number | string | null;
  /** gap: the range, inclusive; session and reset: the first number expected. */
  readonly from: string | null;
  readonly to: string | null;
}

/** Columns behind those of the head. */
export const EVENT_COLUMNS: readonly (keyof EventRow)[] = [
  'kind',
  'flags',
  'side',
  'price',
  'quantity',
  'orderId',
  'relatedId',
  'executionPrice',
  'matchId',
  'aggressor',
  'orders',
  'messageType',
  'state',
  'from',
  'to',
];

export const GAP_STATES: readonly (string | null)[] = [null, 'open', 'filled', 'lost'];
const SIDES = [null, 'bid', 'ask'] as const;
const AGGRESSORS = [null, 'buy', 'sell'] as const;

/** Makes a row of every event, as an object for what people read. */
export class EventRows implements EventObserver {
  readonly #sink: (row: EventRow) => void;
  readonly #fields: EventFields = new EventFields();
  #feed: Feed | null = null;

  constructor(sink: (row: EventRow) => void) {
    this.#sink = sink;
  }

  start(feed: Feed): void {
    this.#feed = feed;
  }

  before(batch: EventBatch, at: number, market: Market): void {
    const fields = this.#fields;
    fields.read(batch, at, market);
    const { book, kind, flags, state, messageType } = fields;
    const priceScale = book?.priceScale ?? 0;
    this.#sink({
      ...headOf(batch, at, market.dictionary),
      kind: record.KIND_NAMES[kind] ?? String(kind),
      flags: flagNames(kind, flags, fields.nonPrintable),
      side: SIDES[fields.side]!,
      price: scaledText(fields.price, priceScale),
      quantity: scaledText(fields.quantity, book?.quantityScale ?? 0),
      orderId: idText(fields.orderId),
      relatedId: idText(fields.relatedId),
      executionPrice: scaledText(fields.executionPrice, priceScale),
      matchId: idText(fields.matchId),
      aggressor: AGGRESSORS[fields.aggressor]!,
      orders: idText(fields.orders),
      messageType: messageType < 0 ? null : (this.#feed?.typeName(messageType) ?? null),
      state: kind === record.KIND_GAP ? (GAP_STATES[state] ?? null) : state || null,
      from: idText(fields.from),
      to: idText(fields.to),
    });
  }
}

/** Names of the flags that are set, in the order in which rows have them. */
export function flagNames(kind: number, flags: number, nonPrintable: boolean): string[] {
  const names: string[] = [];
  if ((flags & record.FLAG_LAST) !== 0) names.push('last');
  if ((flags & record.FLAG_SNAPSHOT) !== 0) names.push('snapshot');
  if ((flags & record.FLAG_KEEP_PRIORITY) !== 0) names.push('keepPriority');
  if ((flags & record.FLAG_INFORMS) !== 0) names.push('informs');
  if ((flags & record.FLAG_BEFORE) !== 0) names.push('before');
  if ((flags & record.FLAG_BY_KIND) !== 0) {
    if (kind === record.KIND_MODIFY) names.push('quantityOnly');
    if (kind === record.KIND_EXECUTE) names.push('full');
    if (kind === record.KIND_CLEAR) names.push('oneSide');
  }
  if (nonPrintable) names.push('nonPrintable');
  return names;
}

function scaledText(value: Halves, scale: number): string | null {
  return value.has ? formatScaled(value.high, value.low, scale) : null;
}

function idText(value: Halves): string | null {
  return value.has ? formatUnsigned(value.high, value.low) : null;
}
