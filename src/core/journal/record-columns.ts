import { mix2 } from '../binary/hash-index.ts';
import * as record from '../event/record.ts';

/*
 * Event records, and the records of an image, as columns, which pack to a third of their size. Of n records, f are first
 * ones and s second ones (their lowest byte is 255). A column of w bytes holds the lowest bytes of all its values, then
 * the next ones, …; u ids came for the first time:
 *
 *     n × 1 lowest byte of word 0 · f × 1 flags · f × 2 message numbers, each minus the one before · f × 4 word 1 ·
 *     n × 2 ids: how many records ago the same one was, 0 = it is new · u × 4 and u × 4 halves of the new ids ·
 *     f × 4 low half of the price, to the price before of (word 1 modulo 1,024) · f × 4 its high half ·
 *     f × 4 and f × 4 quantity · f × 4 venue time, minus the one before · f × 4 receive time, to the venue time ·
 *     s × 3 rest of word 0 · s × 4 each, words 1 and 4 … 9 of second records
 *
 * `to`: 0 stands for the usual value (price 0; the receive time before), all others for their distance from where they
 * are expected, folded to 0, −1, 1, −2, … and moved up by one where the usual value is further away than they are.
 */

const WORDS = record.RECORD_WORDS;
/** Records of one call at most: distances between equal ids fit 16 bits. */
export const COLUMNS_RECORDS_MAX = 65_535;
const BOOK_SLOTS = 1024;
const SECOND_WORDS: readonly number[] = [1, 4, 5, 6, 7, 8, 9];
const FIRST_BYTES_BEFORE_IDS = 7;
const FIRST_BYTES = 31;
const SECOND_BYTES = 31;
/** Bytes of a record as columns at most. */
export const COLUMN_BYTES_MAX: number = 1 + FIRST_BYTES + 2 + 8;

/** Turns records into columns and back; holds what it needs for that, for `recordsMax` records. */
export class RecordColumns {
  /** Word at which each first and each second record begins. */
  readonly #firsts: Int32Array;
  readonly #seconds: Int32Array;
  readonly #column: Int32Array;
  readonly #prices: Int32Array = new Int32Array(BOOK_SLOTS);
  /** Open addressing: 1 + the last record with an id. */
  readonly #lastWithId: Int32Array;
  #firstCount = 0;
  #secondCount = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(recordsMax: number) {
    if (recordsMax > COLUMNS_RECORDS_MAX) throw new RangeError(`columns of ${recordsMax} records`);
    this.#firsts = new Int32Array(recordsMax);
    this.#seconds = new Int32Array(recordsMax);
    this.#column = new Int32Array(recordsMax);
    let slots = 2;
    while (slots < recordsMax * 2) slots *= 2;
    this.#lastWithId = new Int32Array(slots);
  }

  /** Writes `records` records as columns to `out` at `at`. @returns where they end. */
  encode(words: Int32Array, records: number, out: Uint8Array, at: number): number {
    this.#bytes = out;
    this.#at = at;
    const column = this.#column;
    for (let index = 0; index < records; index += 1) column[index] = words[index * WORDS]!;
    this.#put(records, 1, 0);
    this.#split(records);
    const firsts = this.#firsts;
    const count = this.#firstCount;
    this.#putWord(words, firsts, count, 0, 1, 8);
    for (let index = 0, before = 0; index < count; index += 1) {
      const number = words[firsts[index]!]! >>> 16;
      column[index] = number - before;
      before = number;
    }
    this.#put(count, 2, 0);
    this.#putWord(words, firsts, count, record.WORD_BOOK, 4, 0);
    this.#putIds(words, records);
    this.#putPrices(words);
    for (let word = record.WORD_PRICE + 1; word < record.WORD_VENUE_TIME; word += 1) {
      this.#putWord(words, firsts, count, word, 4, 0);
    }
    this.#putTimes(words);
    this.#putWord(words, this.#seconds, this.#secondCount, 0, 3, 8);
    for (const word of SECOND_WORDS) this.#putWord(words, this.#seconds, this.#secondCount, word, 4, 0);
    return this.#at;
  }

  /** Reads `records` records from the columns in `bytes` from `from` to `to`. @returns false where they are none. */
  decode(bytes: Uint8Array, from: number, to: number, words: Int32Array, records: number): boolean {
    this.#bytes = bytes;
    this.#at = from;
    const column = this.#column;
    if (records > column.length || from + records * 3 > to) return false;
    this.#take(records, 1);
    for (let index = 0; index < records; index += 1) words[index * WORDS] = column[index]!;
    this.#split(records);
    const firsts = this.#firsts;
    const count = this.#firstCount;
    if (this.#at + count * FIRST_BYTES_BEFORE_IDS + records * 2 > to) return false;
    this.#takeInto(words, firsts, count, 0, 1, 8);
    this.#take(count, 2);
    for (let index = 0, number = 0; index < count; index += 1) {
      number = (number + column[index]!) & 0xffff;
      words[firsts[index]!]! |= number << 16;
    }
    this.#takeInto(words, firsts, count, record.WORD_BOOK, 4, 0);
    if (!this.#takeIds(words, records, to)) return false;
    this.#takePrices(words);
    for (let word = record.WORD_PRICE + 1; word < record.WORD_VENUE_TIME; word += 1) {
      this.#takeInto(words, firsts, count, word, 4, 0);
    }
    this.#takeTimes(words);
    this.#takeInto(words, this.#seconds, this.#secondCount, 0, 3, 8);
    for (const word of SECOND_WORDS) this.#takeInto(words, this.#seconds, this.#secondCount, word, 4, 0);
    return true;
  }

  /** Tells first records from second ones by the kinds in `column`. */
  #split(records: number): void {
    const column = this.#column;
    let firsts = 0;
    let seconds = 0;
    for (let index = 0; index < records; index += 1) {
      if ((column[index]! & 255) === record.KIND_EXTENSION) this.#seconds[seconds++] = index * WORDS;
      else this.#firsts[firsts++] = index * WORDS;
    }
    this.#firstCount = firsts;
    this.#secondCount = seconds;
  }

  #putIds(words: Int32Array, records: number): void {
    const column = this.#column;
    const table = this.#lastWithId.fill(0);
    const wrap = table.length - 1;
    const codesAt = this.#at;
    let fresh = 0;
    // The new ids are gathered behind the codes as they will stand there, their number being known last.
    for (let index = 0; index < records; index += 1) {
      const low = words[index * WORDS + record.WORD_ID]!;
      const high = words[index * WORDS + record.WORD_ID + 1]!;
      let slot = mix2(low, high) & wrap;
      while (table[slot] !== 0) {
        const other = (table[slot]! - 1) * WORDS + record.WORD_ID;
        if (words[other] === low && words[other + 1] === high) break;
        slot = (slot + 1) & wrap;
      }
      const before = table[slot]!;
      table[slot] = index + 1;
      column[index] = before === 0 ? 0 : index + 1 - before;
      if (before === 0) fresh += 1;
    }
    this.#put(records, 2, 0);
    for (let half = 0; half < 2; half += 1) {
      let next = 0;
      for (let index = 0; index < records; index += 1) {
        const isOld = (this.#bytes[codesAt + index]! | this.#bytes[codesAt + records + index]!) !== 0;
        if (!isOld) column[next++] = words[index * WORDS + record.WORD_ID + half]!;
      }
      this.#put(fresh, 4, 0);
    }
  }

  #takeIds(words: Int32Array, records: number, to: number): boolean {
    const column = this.#column;
    const bytes = this.#bytes;
    const codesAt = this.#at;
    this.#at += records * 2;
    let fresh = 0;
    for (let index = 0; index < records; index += 1) {
      const code = bytes[codesAt + index]! | (bytes[codesAt + records + index]! << 8);
      if (code > index) return false;
      if (code === 0) fresh += 1;
    }
    const rest = fresh * 8 + this.#firstCount * (FIRST_BYTES - FIRST_BYTES_BEFORE_IDS);
    if (this.#at + rest + this.#secondCount * SECOND_BYTES !== to) return false;
    for (let word = record.WORD_ID; word < record.WORD_ID + 2; word += 1) {
      this.#take(fresh, 4);
      for (let index = 0, next = 0; index < records; index += 1) {
        const code = bytes[codesAt + index]! | (bytes[codesAt + records + index]! << 8);
        words[index * WORDS + word] = code === 0 ? column[next++]! : words[(index - code) * WORDS + word]!;
      }
    }
    return true;
  }

  #putPrices(words: Int32Array): void {
    const prices = this.#prices.fill(0);
    for (let index = 0; index < this.#firstCount; index += 1) {
      const at = this.#firsts[index]!;
      const price = words[at + record.WORD_PRICE]!;
      const slot = words[at + record.WORD_BOOK]! & (BOOK_SLOTS - 1);
      this.#column[index] = distance(price, 0, prices[slot]!);
      if (price !== 0) prices[slot] = price;
    }
    this.#put(this.#firstCount, 4, 0);
  }

  #takePrices(words: Int32Array): void {
    const prices = this.#prices.fill(0);
    this.#take(this.#firstCount, 4);
    for (let index = 0; index < this.#firstCount; index += 1) {
      const at = this.#firsts[index]!;
      const slot = words[at + record.WORD_BOOK]! & (BOOK_SLOTS - 1);
      const price = valueAt(this.#column[index]!, 0, prices[slot]!);
      words[at + record.WORD_PRICE] = price;
      if (price !== 0) prices[slot] = price;
    }
  }

  #putTimes(words: Int32Array): void {
    for (let index = 0, before = 0; index < this.#firstCount; index += 1) {
      const venue = words[this.#firsts[index]! + record.WORD_VENUE_TIME]!;
      this.#column[index] = venue - before;
      before = venue;
    }
    this.#put(this.#firstCount, 4, 0);
    for (let index = 0, before = 0; index < this.#firstCount; index += 1) {
      const at = this.#firsts[index]!;
      const receive = words[at + record.WORD_RECEIVE_TIME]!;
      this.#column[index] = distance(receive, before, words[at + record.WORD_VENUE_TIME]!);
      before = receive;
    }
    this.#put(this.#firstCount, 4, 0);
  }

  #takeTimes(words: Int32Array): void {
    this.#take(this.#firstCount, 4);
    for (let index = 0, venue = 0; index < this.#firstCount; index += 1) {
      venue = (venue + this.#column[index]!) | 0;
      words[this.#firsts[index]! + record.WORD_VENUE_TIME] = venue;
    }
    this.#take(this.#firstCount, 4);
    for (let index = 0, receive = 0; index < this.#firstCount; index += 1) {
      const at = this.#firsts[index]!;
      receive = valueAt(this.#column[index]!, receive, words[at + record.WORD_VENUE_TIME]!);
      words[at + record.WORD_RECEIVE_TIME] = receive;
    }
  }

  #putWord(
    words: Int32Array,
    records: Int32Array,
    count: number,
    word: number,
    width: number,
    shift: number,
  ): void {
    for (let index = 0; index < count; index += 1) this.#column[index] = words[records[index]! + word]!;
    this.#put(count, width, shift);
  }

  #takeInto(
    words: Int32Array,
    records: Int32Array,
    count: number,
    word: number,
    width: number,
    shift: number,
  ): void {
    this.#take(count, width);
    // What a value shares a word with is there already, below it.
    const kept = (1 << shift) - 1;
    for (let index = 0; index < count; index += 1) {
      const at = records[index]! + word;
      words[at] = (words[at]! & kept) | (this.#column[index]! << shift);
    }
  }

  /** Writes `width` bytes of each value in `column`, from bit `shift` on. */
  #put(count: number, width: number, shift: number): void {
    const bytes = this.#bytes;
    const column = this.#column;
    for (let bit = shift; bit < shift + width * 8; bit += 8) {
      const at = this.#at;
      for (let index = 0; index < count; index += 1) bytes[at + index] = column[index]! >>> bit;
      this.#at += count;
    }
  }

  /** Reads values of `width` bytes into `column`. */
  #take(count: number, width: number): void {
    const bytes = this.#bytes;
    const column = this.#column.fill(0, 0, count);
    for (let bit = 0; bit < width * 8; bit += 8) {
      const at = this.#at;
      for (let index = 0; index < count; index += 1) column[index]! |= bytes[at + index]! << bit;
      this.#at += count;
    }
  }
}

/** How far a value is from `expected`, as said above; 0 where it is the usual one. */
function distance(value: number, usual: number, expected: number): number {
  if (value === usual) return 0;
  const far = folded((value - expected) | 0);
  return far < folded((usual - expected) | 0) ? far + 1 : far;
}

function valueAt(distance: number, usual: number, expected: number): number {
  if (distance === 0) return usual;
  const moved = distance >>> 0;
  const far = moved <= folded((usual - expected) | 0) ? moved - 1 : moved;
  return (expected + ((far >>> 1) ^ -(far & 1))) | 0;
}

/** 0, −1, 1, −2, … → 0, 1, 2, 3, … */
function folded(difference: number): number {
  return ((difference << 1) ^ (difference >> 31)) >>> 0;
}
