import { Literal, type TextWriter } from '../../binary/text-writer.ts';
import type { Market } from '../../book/market.ts';
import { LEVEL_KEY_DOUBLE, ORDER_BOOK_SIDE, ORDER_LEVEL, ORDER_QUANTITY_DOUBLE } from '../../book/store.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import {
  CONDITION_NON_PRINTABLE,
  EXT_WORD_MATCH_ID,
  EXT_WORD_PRICE,
  FLAG_ASK,
  FLAG_FULL,
  KIND_TRADE,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  SIDE_ASK,
  SIDE_BID,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../../event/record.ts';
import { extensionOf } from '../../pipeline/rows/resting.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import { BodyStart, type EventWriter } from './event-writer.ts';
import { writeNumber } from './level-json.ts';

const TRADE_KIND: number = EVENT_KINDS.indexOf('trade');
/** Beside the digits behind the points. */
const BODY_BYTES = 256;
const TRADE: BodyStart = new BodyStart('{"event":"trade","price":');
const EXECUTE: BodyStart = new BodyStart('{"event":"execute","price":');
const NULL: Literal = new Literal('null');
const QUOTE: Literal = new Literal('"');
const QUANTITY: Literal = new Literal(',"quantity":');
const AGGRESSORS: readonly Literal[] = [
  new Literal(',"aggressor":null,"orderId":'),
  new Literal(',"aggressor":"buy","orderId":'),
  new Literal(',"aggressor":"sell","orderId":'),
];
const MATCH: Literal = new Literal(',"matchId":');
const PRINTABLE: Literal = new Literal(',"printable":true}');
const NOT_PRINTABLE: Literal = new Literal(',"printable":false}');

/** Says trades, and executions of orders in the book: the bodies of the kind trade. */
export class TradeJson {
  readonly #writer: EventWriter;

  constructor(writer: EventWriter) {
    this.#writer = writer;
  }

  /** Before the event is applied, because an execution may remove the order that tells its price. */
  say(batch: EventBatch, at: number, market: Market, book: BookDefinition | undefined, topic: number): void {
    const { words } = batch;
    const bodyBytes = BODY_BYTES + 2 * ((book?.priceScale ?? 0) + (book?.quantityScale ?? 0));
    if ((words[at]! & 255) === KIND_TRADE) this.#trade(words, at, book, topic, bodyBytes);
    else if (book !== undefined) this.#execution(words, at, market, book, topic, bodyBytes);
  }

  #trade(
    words: Int32Array,
    at: number,
    book: BookDefinition | undefined,
    topic: number,
    bodyBytes: number,
  ): void {
    const { text, head } = this.#writer;
    this.#writer.begin(topic, TRADE_KIND, bodyBytes, TRADE.of(head.last));
    const low = words[at + WORD_PRICE]!;
    const high = words[at + WORD_PRICE + 1]!;
    if (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW) text.literal(NULL);
    else scaledHalves(text, high, low, book?.priceScale ?? 0);
    text.literal(QUANTITY);
    scaledHalves(text, words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, book?.quantityScale ?? 0);
    const extension = extensionOf(words, at);
    const side = extension < 0 ? 0 : (words[extension]! >> 8) & 255;
    text.literal(AGGRESSORS[side === SIDE_BID ? SIDE_BID : side === SIDE_ASK ? SIDE_ASK : 0]!);
    this.#end(words, at, extension);
  }

  #execution(
    words: Int32Array,
    at: number,
    market: Market,
    book: BookDefinition,
    topic: number,
    bodyBytes: number,
  ): void {
    const { text, head } = this.#writer;
    const flags = words[at]! >> 8;
    const ask = (flags & FLAG_ASK) !== 0 ? 1 : 0;
    const slot = market.findOrder(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, book.number * 2 + ask);
    const bookSide = slot === 0 ? -1 : market.orders.words[slot * 8 + ORDER_BOOK_SIDE]!;
    const extension = extensionOf(words, at);
    this.#writer.begin(topic, TRADE_KIND, bodyBytes, EXECUTE.of(head.last));
    const low = extension < 0 ? 0 : words[extension + EXT_WORD_PRICE]!;
    const high = extension < 0 ? 0 : words[extension + EXT_WORD_PRICE + 1]!;
    if ((low | high) !== 0) scaledHalves(text, high, low, book.priceScale);
    else if (slot === 0) text.literal(NULL);
    else {
      const level = market.orders.words[slot * 8 + ORDER_LEVEL]!;
      const key = market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
      if (key === Number.POSITIVE_INFINITY) text.literal(NULL);
      else quotedNumber(text, (bookSide & 1) !== 0 ? 0 - key : key, book.priceScale);
    }
    text.literal(QUANTITY);
    if ((flags & FLAG_FULL) === 0) {
      scaledHalves(text, words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, book.quantityScale);
    } else if (slot === 0) text.literal(NULL);
    else quotedNumber(text, market.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!, book.quantityScale);
    text.literal(AGGRESSORS[slot === 0 ? 0 : (bookSide & 1) !== 0 ? SIDE_BID : SIDE_ASK]!);
    this.#end(words, at, extension);
  }

  #end(words: Int32Array, at: number, extension: number): void {
    const { text } = this.#writer;
    id(text, words, at + WORD_ID);
    text.literal(MATCH);
    if (extension < 0) text.literal(NULL);
    else id(text, words, extension + EXT_WORD_MATCH_ID);
    const isOut = extension >= 0 && words[extension]! >>> 16 === CONDITION_NON_PRINTABLE;
    text.literal(isOut ? NOT_PRINTABLE : PRINTABLE);
    this.#writer.end();
  }
}

function scaledHalves(text: TextWriter, high: number, low: number, scale: number): void {
  text.literal(QUOTE);
  text.scaled(high, low, scale);
  text.literal(QUOTE);
}

/** An id in quotes; 0 names nothing. */
function id(text: TextWriter, words: Int32Array, word: number): void {
  const low = words[word]!;
  const high = words[word + 1]!;
  if ((low | high) === 0) text.literal(NULL);
  else {
    text.literal(QUOTE);
    text.unsigned(high, low);
    text.literal(QUOTE);
  }
}

function quotedNumber(text: TextWriter, value: number, scale: number): void {
  text.literal(QUOTE);
  writeNumber(text, value, scale);
  text.literal(QUOTE);
}
