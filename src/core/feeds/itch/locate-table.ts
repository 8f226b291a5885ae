import type { Dictionary } from '../../event/dictionary.ts';
import { NO_BOOK } from '../../event/record.ts';
import { readText } from './fields.ts';
import { PRICE_SCALE, SHARES_SCALE } from './layout.ts';

const LOCATES = 65536;

/** What a slot is above the book number it stands for: 0 is a locate not seen yet, 1 is NO_BOOK. */
export const SLOT_BIAS = 2;

/**
 * Stock locates of one channel → book numbers, one load per message. Fresh tables are zero bytes that the system
 * provides when they are touched, so a channel with few locates costs little memory.
 */
export class LocateTable {
  /** Book number + SLOT_BIAS by locate; 0 = not seen yet. */
  readonly slots: Int32Array = new Int32Array(LOCATES);
  /** 1 where the book's symbol needs no more care. */
  readonly named: Uint8Array = new Uint8Array(LOCATES);
  readonly #source: string;
  readonly #channel: number;
  readonly #dictionary: Dictionary;

  constructor(source: string, channel: number, dictionary: Dictionary) {
    this.#source = source;
    this.#channel = channel;
    this.#dictionary = dictionary;
    // Locate 0 is for messages about no security.
    this.#close(0);
  }

  /** Numbers the book of a locate seen for the first time; NO_BOOK where the dictionary is full. */
  open(locate: number): number {
    const book = this.#dictionary.add({
      source: this.#source,
      publisher: 0,
      instrument: BigInt(locate),
      channel: this.#channel,
      priceScale: PRICE_SCALE,
      quantityScale: SHARES_SCALE,
      symbol: null,
    });
    if (book === NO_BOOK) this.#close(locate);
    else this.slots[locate] = book + SLOT_BIAS;
    return book;
  }

  /** Names the book of a locate by the 8-byte stock field at `offset`; a blank one leaves it without a symbol. */
  name(locate: number, view: DataView, offset: number): void {
    this.named[locate] = 1;
    const symbol = readText(view, offset, 8).replace(/\0+$/, '');
    if (symbol !== '') this.#dictionary.name(this.slots[locate] - SLOT_BIAS, symbol);
  }

  /** This locate stands for no book. */
  #close(locate: number): void {
    this.slots[locate] = NO_BOOK + SLOT_BIAS;
    this.named[locate] = 1;
  }
}
