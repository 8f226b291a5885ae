import { bigHigh, bigLow } from '../binary/time.ts';
import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import { KIND_GAP, KIND_NAMES } from '../event/record.ts';
import type { Feed } from '../feeds/feed.ts';
import { EventFields, type Halves } from '../pipeline/rows/event-fields.ts';
import { flagNames, GAP_STATES } from '../pipeline/rows/event-rows.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import { DecimalColumn, Int32Column, Int64Column, TextColumn } from './parquet-columns.ts';
import { GROUP_ROWS, ParquetFile } from './parquet-file.ts';

const SIDES: readonly string[] = ['', 'bid', 'ask'];
const AGGRESSORS: readonly string[] = ['', 'buy', 'sell'];

/** Columns by their names. */
interface EventColumns {
  readonly channel: Int32Column;
  readonly sequence: Int64Column;
  readonly venueTime: Int64Column;
  readonly receiveTime: Int64Column;
  readonly source: TextColumn;
  readonly publisher: Int32Column;
  readonly instrument: Int64Column;
  readonly symbol: TextColumn;
  readonly kind: TextColumn;
  readonly flags: TextColumn;
  readonly side: TextColumn;
  readonly price: DecimalColumn;
  readonly quantity: DecimalColumn;
  readonly orderId: Int64Column;
  readonly relatedId: Int64Column;
  readonly executionPrice: DecimalColumn;
  readonly matchId: Int64Column;
  readonly aggressor: TextColumn;
  readonly orders: Int64Column;
  readonly messageType: TextColumn;
  readonly state: TextColumn;
  readonly from: Int64Column;
  readonly to: Int64Column;
}

/** The columns of rows of events, in the order of docs/rows.md. */
function columnsOf(priceScale: number, quantityScale: number): EventColumns {
  const text = (name: string): TextColumn => new TextColumn(name);
  const time = (name: string): Int64Column => new Int64Column(name, 'time');
  const id = (name: string): Int64Column => new Int64Column(name, 'id');
  return {
    channel: new Int32Column('channel'),
    sequence: id('sequence'),
    venueTime: time('venueTime'),
    receiveTime: time('receiveTime'),
    source: text('source'),
    publisher: new Int32Column('publisher'),
    instrument: id('instrument'),
    symbol: text('symbol'),
    kind: text('kind'),
    flags: text('flags'),
    side: text('side'),
    price: new DecimalColumn('price', priceScale),
    quantity: new DecimalColumn('quantity', quantityScale),
    orderId: id('orderId'),
    relatedId: id('relatedId'),
    executionPrice: new DecimalColumn('executionPrice', priceScale),
    matchId: id('matchId'),
    aggressor: text('aggressor'),
    orders: id('orders'),
    messageType: text('messageType'),
    state: text('state'),
    from: id('from'),
    to: id('to'),
  };
}

/** Writes a row of every event into a Parquet file. */
export class EventParquet implements Conversion {
  readonly #sink: ChunkSink;
  readonly #fields: EventFields = new EventFields();
  readonly #flagTexts: Map<number, string> = new Map();
  /** Numbers of instruments as halves, by book number. */
  readonly #instruments: (readonly [high: number, low: number] | undefined)[] = [];
  #feed: Feed | null = null;
  #columns: EventColumns | null = null;
  #file: ParquetFile | null = null;
  #row = 0;

  constructor(sink: ChunkSink) {
    this.#sink = sink;
  }

  get written(): number {
    return (this.#file?.rows ?? 0) + this.#row;
  }

  start(feed: Feed): void {
    this.#feed = feed;
    this.#columns = columnsOf(feed.priceScale, feed.quantityScale);
  }

  /** Before, because an event may take from the book what its row tells. */
  before(batch: EventBatch, at: number, market: Market): void {
    const fields = this.#fields;
    const columns = this.#columnsOrNone();
    const row = this.#row;
    fields.read(batch, at, market);
    const { book, kind, state } = fields;
    columns.channel.set(row, fields.channel);
    if (fields.sequence > 0) columns.sequence.setNumber(row, fields.sequence);
    columns.venueTime.set(row, fields.venueTime.high, fields.venueTime.low);
    put(columns.receiveTime, row, fields.receiveTime);
    if (book !== null) {
      const [high, low] = this.#instruments[book.number] ?? this.#instrumentOf(book.number, book.instrument);
      columns.source.set(row, book.source);
      columns.publisher.set(row, book.publisher);
      columns.instrument.set(row, high, low);
      if (book.symbol !== null) columns.symbol.set(row, book.symbol);
      const { priceScale } = book;
      putScaled(columns.price, row, fields.price, priceScale);
      putScaled(columns.quantity, row, fields.quantity, book.quantityScale);
      putScaled(columns.executionPrice, row, fields.executionPrice, priceScale);
    }
    columns.kind.set(row, KIND_NAMES[kind] ?? String(kind));
    columns.flags.set(row, this.#flagsOf(kind, fields.flags, fields.nonPrintable));
    if (fields.side !== 0) columns.side.set(row, SIDES[fields.side]!);
    put(columns.orderId, row, fields.orderId);
    put(columns.relatedId, row, fields.relatedId);
    put(columns.matchId, row, fields.matchId);
    if (fields.aggressor !== 0) columns.aggressor.set(row, AGGRESSORS[fields.aggressor]!);
    put(columns.orders, row, fields.orders);
    if (fields.messageType >= 0 && this.#feed !== null) {
      columns.messageType.set(row, this.#feed.typeName(fields.messageType));
    }
    const stateText = state === 0 ? null : kind === KIND_GAP ? (GAP_STATES[state] ?? null) : String(state);
    if (stateText !== null) columns.state.set(row, stateText);
    put(columns.from, row, fields.from);
    put(columns.to, row, fields.to);
    this.#row = row + 1;
    if (this.#row === GROUP_ROWS) this.#writeGroup();
  }

  /** Groups are written whole: what a reader of a pipe sees are groups. */
  flush(): void {}

  finish(): void {
    this.#writeGroup();
    this.#open().finish();
  }

  #writeGroup(): void {
    this.#open().group(this.#row);
    this.#row = 0;
  }

  #open(): ParquetFile {
    this.#file ??= new ParquetFile(Object.values(this.#columnsOrNone()), this.#sink);
    return this.#file;
  }

  /** Those of a feed without decimals where no feed was found: a file without rows has them, too. */
  #columnsOrNone(): EventColumns {
    this.#columns ??= columnsOf(0, 0);
    return this.#columns;
  }

  #instrumentOf(number: number, instrument: bigint): readonly [high: number, low: number] {
    const halves = [bigHigh(instrument), bigLow(instrument)] as const;
    this.#instruments[number] = halves;
    return halves;
  }

  #flagsOf(kind: number, flags: number, nonPrintable: boolean): string {
    const key = kind | (flags << 8) | (nonPrintable ? 1 << 16 : 0);
    const known = this.#flagTexts.get(key);
    if (known !== undefined) return known;
    const text = flagNames(kind, flags, nonPrintable).join(' ');
    this.#flagTexts.set(key, text);
    return text;
  }
}

function put(column: Int64Column, row: number, value: Halves): void {
  if (value.has) column.set(row, value.high, value.low);
}

function putScaled(column: DecimalColumn, row: number, value: Halves, scale: number): void {
  if (value.has) column.setScaled(row, value.high, value.low, scale);
}
