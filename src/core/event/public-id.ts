import { Fnv64 } from '../binary/fnv64.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import { SIDE_ASK, SIDE_BID } from './record.ts';

/**
 * The 64-bit number by which orders are known outside of the book (hashes, DBN) where the venue's id is unique on one
 * side of one book only (scope `bookSide`): FNV-1a 64 of instrument i64, side u8 (bid 1, ask 2) and id u64, little-endian;
 * 0 becomes 1. One object is reused for all orders.
 */
export class PublicId {
  high = 0;
  low = 0;
  readonly #fnv: Fnv64 = new Fnv64();
  #instrument: bigint | null = null;
  #instrumentHigh = 0;
  #instrumentLow = 0;

  /** Makes the number of the order `id` on one side of a book whose rules give it the scope `bookSide`. */
  hash(instrument: bigint, ask: boolean, idHigh: number, idLow: number): void {
    if (instrument !== this.#instrument) {
      this.#instrument = instrument;
      this.#instrumentHigh = bigHigh(instrument);
      this.#instrumentLow = bigLow(instrument);
    }
    const fnv = this.#fnv;
    fnv.reset();
    fnv.u64(this.#instrumentHigh, this.#instrumentLow);
    fnv.byte(ask ? SIDE_ASK : SIDE_BID);
    fnv.u64(idHigh, idLow);
    this.high = fnv.high;
    this.low = (fnv.high | fnv.low) === 0 ? 1 : fnv.low;
  }
}
