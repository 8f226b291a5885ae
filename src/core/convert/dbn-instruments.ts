import type { BookDefinition } from '../event/dictionary.ts';
import { RTYPE_SYMBOL_MAPPING, VERSION_MAX } from '../feeds/dbn/layout.ts';
import { writeRecord } from '../feeds/dbn/records.ts';

const INSTRUMENT_MAX = 0xffffffffn;
const SYMBOL_TYPE_INSTRUMENT_ID = 0;
const SYMBOL_TYPE_RAW = 1;
const TIME_UNDEFINED: bigint = (1n << 64n) - 1n;
/** What a text field of a mapping holds. */
const TEXT_MAX = 70;

/**
 * What the books of a run are called in a DBN file: the venue's number where it fits 32 bits and no other book of the
 * publisher has it, else the next free number from 1.
 *
 * Names go into symbol mapping records in front of the first record of their book, as live sessions of the reference
 * have them: the metadata stands at the head of the file, which is written before any name is known, also to a pipe.
 */
export class DbnInstruments {
  /** By book number, −1 = not seen yet. */
  readonly #instruments: number[] = [];
  /** Symbol that the last mapping of a book told; undefined = none was written. */
  readonly #told: (string | undefined)[] = [];
  /** `publisher/instrument` of the books so far. */
  readonly #taken: Set<string> = new Set();
  #next = 1;

  /** Number of a book in the file. */
  of(book: BookDefinition): number {
    return this.#instruments[book.number] ?? this.#number(book);
  }

  /** Does a mapping have to stand in front of the next record of a book? */
  needsMapping(book: BookDefinition): boolean {
    const wanted = this.#wanted(book);
    return wanted !== undefined && this.#told[book.number] !== wanted;
  }

  /** The mapping in front of the next record of a book has been written. */
  tell(book: BookDefinition): void {
    this.#told[book.number] = this.#wanted(book);
  }

  /** The mapping record of a book, valid from a time on; null where the book needs none. */
  mapping(book: BookDefinition, time: bigint): Uint8Array<ArrayBuffer> | null {
    const wanted = this.#wanted(book);
    if (wanted === undefined) return null;
    const instrument = this.of(book);
    return writeRecord(
      {
        rtype: RTYPE_SYMBOL_MAPPING,
        publisher_id: book.publisher,
        instrument_id: instrument,
        ts_event: time,
        stype_in: SYMBOL_TYPE_INSTRUMENT_ID,
        stype_in_symbol: String(book.instrument),
        stype_out: SYMBOL_TYPE_RAW,
        stype_out_symbol: wanted,
        start_ts: time,
        end_ts: TIME_UNDEFINED,
      },
      VERSION_MAX,
    );
  }

  /** A book that keeps its number and has no name yet needs no mapping; it may get its name later. */
  #wanted(book: BookDefinition): string | undefined {
    if (isEncodable(book.symbol)) return book.symbol;
    const isOwn = book.instrument <= INSTRUMENT_MAX && this.of(book) === Number(book.instrument);
    return isOwn ? undefined : String(book.instrument);
  }

  #number(book: BookDefinition): number {
    const { publisher, instrument } = book;
    let number = instrument <= INSTRUMENT_MAX ? Number(instrument) : -1;
    if (number === -1 || this.#taken.has(`${publisher}/${number}`)) {
      while (this.#taken.has(`${publisher}/${this.#next}`)) this.#next += 1;
      number = this.#next;
    }
    this.#taken.add(`${publisher}/${number}`);
    this.#instruments[book.number] = number;
    return number;
  }
}

function isEncodable(symbol: string | null): symbol is string {
  if (symbol === null || symbol.length > TEXT_MAX) return false;
  for (let at = 0; at < symbol.length; at += 1) {
    const code = symbol.charCodeAt(at);
    if (code === 0 || code > 127) return false;
  }
  return symbol !== '';
}
