import { Literal, type TextWriter } from '../../binary/text-writer.ts';
import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_KEY_DOUBLE, LEVEL_QUANTITY_DOUBLE } from '../../book/store.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import { BodyStart, type EventWriter } from './event-writer.ts';

/** Levels of a side in events of the kind depth. */
export const DEPTH_LEVELS = 10;

const TWO_32 = 4294967296;
const BBO: number = EVENT_KINDS.indexOf('bbo');
const DEPTH: number = EVENT_KINDS.indexOf('depth');
/** A level, beside the digits behind its points. */
const LEVEL_BYTES = 128;
const AROUND_BYTES = 64;

const BID: BodyStart = new BodyStart('{"bid":');
const ASK: Literal = new Literal(',"ask":');
const STALE: Literal = new Literal(',"stale":true}');
const SOUND: Literal = new Literal(',"stale":false}');
const STALE_BIDS: BodyStart = new BodyStart('{"stale":true,"bids":[');
const SOUND_BIDS: BodyStart = new BodyStart('{"stale":false,"bids":[');
const ASKS: Literal = new Literal('],"asks":[');
const END: Literal = new Literal(']}');
const COMMA: Literal = new Literal(',');
const NULL: Literal = new Literal('null');
const PRICE: Literal = new Literal('{"price":"');
const NO_PRICE: Literal = new Literal('{"price":null,"quantity":"');
const QUANTITY: Literal = new Literal('","quantity":"');
const ORDERS: Literal = new Literal('","orders":');
const LEVEL_END: Literal = new Literal('}');
const MARKET_END: Literal = new Literal(',"market":true}');

/** Says what the best levels of a book are: the bodies of the kinds bbo and depth. */
export class LevelJson {
  readonly #writer: EventWriter;
  readonly #levels: Int32Array = new Int32Array(DEPTH_LEVELS);

  constructor(writer: EventWriter) {
    this.#writer = writer;
  }

  bbo(market: Market, book: BookDefinition, topic: number): void {
    const { text, head } = this.#writer;
    const { number } = book;
    this.#writer.begin(topic, BBO, bytesOf(2, book), BID.of(head.last));
    writeBest(text, market, number * 2, book);
    text.literal(ASK);
    writeBest(text, market, number * 2 + 1, book);
    text.literal(market.stale[number] === 1 ? STALE : SOUND);
    this.#writer.end();
  }

  depth(market: Market, book: BookDefinition, topic: number): void {
    const { text, head } = this.#writer;
    const { number } = book;
    const start = market.stale[number] === 1 ? STALE_BIDS : SOUND_BIDS;
    this.#writer.begin(topic, DEPTH, bytesOf(2 * DEPTH_LEVELS, book), start.of(head.last));
    this.#side(market, number * 2, book);
    text.literal(ASKS);
    this.#side(market, number * 2 + 1, book);
    text.literal(END);
    this.#writer.end();
  }

  #side(market: Market, bookSide: number, book: BookDefinition): void {
    const { text } = this.#writer;
    const levels = this.#levels;
    const count = market.levels.ladders[bookSide]?.best(levels) ?? 0;
    for (let at = 0; at < count; at += 1) {
      if (at > 0) text.literal(COMMA);
      writeLevel(text, market, bookSide, levels[at]!, book);
    }
  }
}

function bytesOf(levels: number, { priceScale, quantityScale }: BookDefinition): number {
  return AROUND_BYTES + levels * (LEVEL_BYTES + priceScale + quantityScale);
}

function writeBest(text: TextWriter, market: Market, bookSide: number, book: BookDefinition): void {
  const level = market.levels.bestLevel[bookSide] ?? 0;
  if (level === 0) text.literal(NULL);
  else writeLevel(text, market, bookSide, level, book);
}

function writeLevel(
  text: TextWriter,
  market: Market,
  bookSide: number,
  level: number,
  book: BookDefinition,
): void {
  const { doubles, words } = market.levels;
  const key = doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
  const hasPrice = key !== Number.POSITIVE_INFINITY;
  if (hasPrice) {
    text.literal(PRICE);
    writeNumber(text, (bookSide & 1) !== 0 ? 0 - key : key, book.priceScale);
    text.literal(QUANTITY);
  } else text.literal(NO_PRICE);
  writeNumber(text, doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!, book.quantityScale);
  text.literal(ORDERS);
  const orders = words[level * 8 + LEVEL_COUNT]!;
  // A feed of price levels says this number, and may say anything.
  text.signed(orders >> 31, orders);
  text.literal(hasPrice ? LEVEL_END : MARKET_END);
}

/** An integer within ±2^53 that counts units of 10^−scale. */
export function writeNumber(text: TextWriter, value: number, scale: number): void {
  text.scaled(Math.floor(value / TWO_32), value | 0, scale);
}
