import { Literal, TextWriter } from '../binary/text-writer.ts';
import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import { FLAG_EXTENDED, KIND_GAP, KIND_NAMES } from '../event/record.ts';
import type { Feed } from '../feeds/feed.ts';
import { EventFields, type Halves } from '../pipeline/rows/event-fields.ts';
import { EVENT_COLUMNS, flagNames, GAP_STATES } from '../pipeline/rows/event-rows.ts';
import { HEAD_COLUMNS } from '../pipeline/rows/row-head.ts';
import type { ChunkSink, Conversion } from './conversion.ts';
import { csvLine, csvText } from './csv.ts';

/** How rows are put into text. */
interface Dialect {
  /** In front of all rows. */
  readonly head: string;
  readonly rowStart: string;
  readonly rowEnd: string;
  /** What stands in front of the value of a column. */
  readonly key: (name: string, isFirst: boolean) => string;
  readonly none: string;
  /** A number that is text, a word: what stands around it. */
  readonly quote: string;
  readonly text: (value: string) => string;
  readonly list: (words: readonly string[]) => string;
}

const NDJSON: Dialect = {
  head: '',
  rowStart: '{',
  rowEnd: '}\n',
  key: (name, isFirst) => `${isFirst ? '' : ','}"${name}":`,
  none: 'null',
  quote: '"',
  text: (value) => JSON.stringify(value),
  list: (words) => JSON.stringify(words),
};

const CSV: Dialect = {
  head: csvLine([...HEAD_COLUMNS, ...EVENT_COLUMNS]),
  rowStart: '',
  rowEnd: '\n',
  key: (_name, isFirst) => (isFirst ? '' : ','),
  none: '',
  quote: '',
  text: csvText,
  list: (words) => csvText(words.join(' ')),
};

/** The columns behind `flags`, in their order; what stands between two values is made of the columns without one. */
const COLUMNS: readonly string[] = EVENT_COLUMNS.slice(2);
const SIDE: number = COLUMNS.indexOf('side');
const PRICE: number = COLUMNS.indexOf('price');
const QUANTITY: number = COLUMNS.indexOf('quantity');
const ORDER_ID: number = COLUMNS.indexOf('orderId');
const RELATED_ID: number = COLUMNS.indexOf('relatedId');
const EXECUTION_PRICE: number = COLUMNS.indexOf('executionPrice');
const MATCH_ID: number = COLUMNS.indexOf('matchId');
const AGGRESSOR: number = COLUMNS.indexOf('aggressor');
const ORDERS: number = COLUMNS.indexOf('orders');
const MESSAGE_TYPE: number = COLUMNS.indexOf('messageType');
const STATE: number = COLUMNS.indexOf('state');
const FROM: number = COLUMNS.indexOf('from');
const TO: number = COLUMNS.indexOf('to');
const END: number = COLUMNS.length;

/** Bytes held before they leave. */
const BUFFER_BYTES: number = 1 << 16;
/** What the numbers and fixed words of a row need at most; names of instruments and messages come on top. */
const ROW_BYTES_MAX = 2048;
/** Heads of rows that are kept; then all are made anew. */
const HEADS_MAX = 16_384;
const BOOKS_KEYED = 8192;

/**
 * Writes a row of every event as a line of text: the rows that docs/rows.md describes. The bytes are put together from
 * literals that are made once and digits; a row allocates nothing.
 */
export class EventText implements Conversion {
  written = 0;
  readonly #sink: ChunkSink;
  readonly #eachRow: boolean;
  readonly #dialect: Dialect;
  readonly #text: TextWriter = new TextWriter(BUFFER_BYTES);
  readonly #fields: EventFields = new EventFields();
  /** Up to the number of the event, by channel; up to the venue's time where events have no number. */
  readonly #starts: (Literal | undefined)[] = [];
  readonly #unnumbered: (Literal | undefined)[] = [];
  readonly #venueTime: Literal;
  readonly #receiveTime: Literal;
  readonly #noReceiveTime: Literal;
  /** From the end of the times to the flags, by what they depend on; and the name that they have for each book. */
  readonly #heads: Map<number, Literal> = new Map();
  readonly #symbols: (string | null | undefined)[] = [];
  /** With the side that it has. */
  readonly #sides: readonly Literal[];
  /** By column × (END + 1) + the first column without a value in front of it: these, and the name of the column. */
  readonly #gaps: readonly Literal[];
  readonly #aggressors: readonly Literal[];
  readonly #gapStates: readonly Literal[];
  readonly #types: Map<number, Literal> = new Map();
  #feed: Feed | null = null;
  /** First column without a value behind the last one that has one. */
  #next = 0;

  /** @param eachRow hand over every row at once. */
  constructor(sink: ChunkSink, form: 'ndjson' | 'csv', eachRow: boolean = false) {
    const dialect = form === 'ndjson' ? NDJSON : CSV;
    const { quote, none, key } = dialect;
    const words = (values: readonly (string | null)[], before = ''): Literal[] =>
      values.map((value) => new Literal(before + (value === null ? none : `${quote}${value}${quote}`)));
    this.#sink = sink;
    this.#eachRow = eachRow;
    this.#dialect = dialect;
    this.#venueTime = new Literal(quote + key('venueTime', false) + quote);
    this.#receiveTime = new Literal(quote + key('receiveTime', false) + quote);
    this.#noReceiveTime = new Literal(quote + key('receiveTime', false) + none);
    this.#sides = words([null, 'bid', 'ask'], key('side', false));
    this.#gaps = gapsOf(dialect);
    this.#aggressors = words([null, 'buy', 'sell']);
    this.#gapStates = words(GAP_STATES);
    this.#text.literal(new Literal(dialect.head));
  }

  start(feed: Feed): void {
    this.#feed = feed;
  }

  /** Before, because an event may take from the book what its row tells. */
  before(batch: EventBatch, at: number, market: Market): void {
    const fields = this.#fields;
    const text = this.#text;
    fields.read(batch, at, market);
    const head = this.#head();
    const most = head.length + ROW_BYTES_MAX;
    if (!text.hasRoom(most)) {
      this.flush();
      if (!text.hasRoom(most)) text.grow(most);
    }
    this.#writeTimes();
    text.literal(head);
    this.#writeBody();
    this.written += 1;
    if (this.#eachRow) this.flush();
  }

  flush(): void {
    const text = this.#text;
    if (text.used === 0) return;
    this.#sink(text.bytes.subarray(0, text.used));
    text.used = 0;
  }

  finish(): void {
    this.flush();
  }

  /** Channel, number and times; a time that is there is closed by the head behind it. */
  #writeTimes(): void {
    const text = this.#text;
    const fields = this.#fields;
    const { channel, sequence, venueTime, receiveTime } = fields;
    if (sequence === 0) text.literal(this.#unnumbered[channel] ?? this.#startOf(channel, false));
    else {
      text.literal(this.#starts[channel] ?? this.#startOf(channel, true));
      text.integer(sequence);
      text.literal(this.#venueTime);
    }
    if (venueTime.high < 0) text.signed(venueTime.high, venueTime.low);
    else text.time(venueTime.high, venueTime.low);
    if (receiveTime.has) {
      text.literal(this.#receiveTime);
      text.time(receiveTime.high, receiveTime.low);
    } else text.literal(this.#noReceiveTime);
  }

  #writeBody(): void {
    const text = this.#text;
    const fields = this.#fields;
    const { book } = fields;
    const priceScale = book === null ? 0 : book.priceScale;
    const quantityScale = book === null ? 0 : book.quantityScale;
    text.literal(this.#sides[fields.side]!);
    this.#next = SIDE + 1;
    if (fields.price.has) {
      this.#begin(PRICE);
      text.scaled(fields.price.high, fields.price.low, priceScale);
    }
    if (fields.quantity.has) {
      this.#begin(QUANTITY);
      text.scaled(fields.quantity.high, fields.quantity.low, quantityScale);
    }
    if (fields.orderId.has) this.#id(ORDER_ID, fields.orderId);
    if (fields.relatedId.has) this.#id(RELATED_ID, fields.relatedId);
    if (fields.executionPrice.has) {
      this.#begin(EXECUTION_PRICE);
      text.scaled(fields.executionPrice.high, fields.executionPrice.low, priceScale);
    }
    if (fields.matchId.has) this.#id(MATCH_ID, fields.matchId);
    if (fields.aggressor !== 0) {
      this.#begin(AGGRESSOR);
      text.literal(this.#aggressors[fields.aggressor]!);
    }
    if (fields.orders.has) this.#id(ORDERS, fields.orders);
    if (fields.messageType >= 0 || fields.state !== 0 || fields.from.has) this.#writeRest();
    text.literal(this.#gaps[END * (END + 1) + this.#next]!);
  }

  /** What events about no order have. */
  #writeRest(): void {
    const text = this.#text;
    const fields = this.#fields;
    const { messageType, state } = fields;
    if (messageType >= 0) {
      this.#begin(MESSAGE_TYPE);
      text.literal(this.#types.get(messageType) ?? this.#typeText(messageType));
    }
    if (state !== 0) {
      this.#begin(STATE);
      if (fields.kind === KIND_GAP) text.literal(this.#gapStates[state] ?? this.#gapStates[0]!);
      else text.signed(state >> 31, state);
    }
    if (fields.from.has) this.#id(FROM, fields.from);
    if (fields.to.has) this.#id(TO, fields.to);
  }

  /** Writes the columns without a value in front of this one, and what begins it. */
  #begin(column: number): void {
    this.#text.literal(this.#gaps[column * (END + 1) + this.#next]!);
    this.#next = column + 1;
  }

  #id(column: number, value: Halves): void {
    this.#begin(column);
    this.#text.unsigned(value.high, value.low);
  }

  #startOf(channel: number, isNumbered: boolean): Literal {
    const { rowStart, key, none, quote } = this.#dialect;
    const start = `${rowStart}${key('channel', true)}${channel}${key('sequence', false)}`;
    const made = new Literal(start + (isNumbered ? quote : none + key('venueTime', false) + quote));
    const known = isNumbered ? this.#starts : this.#unnumbered;
    known[channel] = made;
    return made;
  }

  /** From the end of the times to the flags. */
  #head(): Literal {
    const { book, kind, flags, nonPrintable, receiveTime } = this.#fields;
    const words = kind | ((flags & ~FLAG_EXTENDED) << 8);
    const variant = words | (nonPrintable ? 1 << 16 : 0) | (receiveTime.has ? 1 << 17 : 0);
    const number = book === null ? 0 : book.number + 1;
    if (book !== null && this.#symbols[number] !== book.symbol) {
      if (this.#symbols[number] !== undefined) this.#heads.clear();
      this.#symbols[number] = book.symbol;
    }
    // Small integers are found without a number object.
    const index = number < BOOKS_KEYED ? (number << 18) | variant : number * (1 << 18) + variant;
    return this.#heads.get(index) ?? this.#makeHead(index);
  }

  #makeHead(index: number): Literal {
    const { key, none, text, quote, list } = this.#dialect;
    const { book, kind, flags, nonPrintable, receiveTime } = this.#fields;
    if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
    const made = new Literal(
      [
        receiveTime.has ? quote : '',
        key('source', false) + (book === null ? none : text(book.source)),
        key('publisher', false) + (book === null ? none : String(book.publisher)),
        key('instrument', false) + (book === null ? none : `${quote}${book.instrument}${quote}`),
        key('symbol', false) + (book === null || book.symbol === null ? none : text(book.symbol)),
        key('kind', false) + text(KIND_NAMES[kind] ?? String(kind)),
        key('flags', false) + list(flagNames(kind, flags, nonPrintable)),
      ].join(''),
    );
    this.#heads.set(index, made);
    return made;
  }

  #typeText(type: number): Literal {
    const { text, none } = this.#dialect;
    const name = this.#feed?.typeName(type);
    const made = new Literal(name === undefined ? none : text(name));
    this.#types.set(type, made);
    return made;
  }
}

/** What stands between the values of two columns: the quotes around them, and the columns without a value between them. */
function gapsOf({ key, none, rowEnd, quote }: Dialect): Literal[] {
  const gaps: Literal[] = [];
  for (let column = 0; column <= END; column += 1) {
    for (let from = 0; from <= END; from += 1) {
      const close = from > 0 && isNumber(from - 1) ? quote : '';
      const empty = COLUMNS.slice(from, column).map((name) => key(name, false) + none);
      const open = column === END ? rowEnd : key(COLUMNS[column]!, false) + (isNumber(column) ? quote : '');
      gaps.push(new Literal(close + empty.join('') + open));
    }
  }
  return gaps;
}

/** Are the values of a column numbers as text? The others bring their quotes, or have none. */
function isNumber(column: number): boolean {
  return column !== SIDE && column !== AGGRESSOR && column !== MESSAGE_TYPE && column !== STATE;
}
