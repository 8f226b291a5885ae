import { Fnv64 } from '../binary/fnv64.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import { PRICE_SCALE } from '../feeds/eobi/layout.ts';
import type { ActionSource } from './action.ts';
import type { ToldBooks, ToldOrder } from './told-books.ts';

const QUANTITY_SCALE = 4;
/** Every so many instruments one is a spread: its price may be below zero, its number is beyond 32 bits. */
const SPREAD_EVERY = 4;
const SPREAD_BASE: bigint = 1n << 40n;
const NUMBER_BASE = 4_128_000n;
/** What the price of a spread is below that of the exchange, in wire units. */
const SPREAD_OFFSET = 10_000_000_000n;

/** How the exchange's instruments, prices and quantities look on EOBI. */
export class EobiBooks implements ToldBooks {
  readonly publisher = 0;
  readonly priceScale: number = PRICE_SCALE;
  readonly quantityScale: number = QUANTITY_SCALE;
  readonly priceFactor: bigint;
  readonly quantityFactor: bigint;
  readonly #source: ActionSource;
  readonly #isPlain: boolean;

  /** @param isPlain numbers, prices and quantities go on the wire as the source has them. */
  constructor(source: ActionSource, isPlain: boolean) {
    this.#source = source;
    this.#isPlain = isPlain;
    this.priceFactor = isPlain ? 1n : 10n ** BigInt(PRICE_SCALE - source.priceScale);
    this.quantityFactor = isPlain ? 1n : 10n ** BigInt(QUANTITY_SCALE);
  }

  isSpread(index: number): boolean {
    return !this.#isPlain && index % SPREAD_EVERY === SPREAD_EVERY - 1;
  }

  instrument(index: number): bigint {
    const number = BigInt(this.#source.instruments[index].number);
    if (this.#isPlain) return number;
    return (this.isSpread(index) ? SPREAD_BASE : NUMBER_BASE) + number;
  }

  price(index: number, price: number): bigint {
    return BigInt(price) * this.priceFactor - (this.isSpread(index) ? SPREAD_OFFSET : 0n);
  }

  orders(index: number): number {
    return this.#source.books.live[index].length;
  }

  *queue(bookSide: number): Generator<ToldOrder> {
    const index = bookSide >> 1;
    const instrument = this.instrument(index);
    const side = (bookSide & 1) === 1 ? 2 : 1;
    for (const { id: key, price, quantity } of this.#source.books.queue(bookSide)) {
      yield {
        id: publicId(instrument, side, key),
        key,
        price: this.price(index, price),
        quantity: BigInt(quantity) * this.quantityFactor,
      };
    }
  }
}

/** FNV-1a 64 of security, side and time priority: the id by which hashes and other files know an order. */
function publicId(instrument: bigint, side: number, key: bigint): bigint {
  const fnv = new Fnv64();
  fnv.u64(bigHigh(instrument), bigLow(instrument));
  fnv.byte(side);
  fnv.u64(bigHigh(key), bigLow(key));
  return fnv.value === 0n ? 1n : fnv.value;
}
