import type { EventBatch, EventSink } from '../../src/core/event/batch.ts';
import type { Dictionary } from '../../src/core/event/dictionary.ts';
import {
  FLAG_EXTENDED,
  KIND_EXTENSION,
  KIND_VENUE,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
} from '../../src/core/event/record.ts';
import { Broken } from './target.ts';

const TWO_32 = 4294967296;

/**
 * Judges every batch on its way: whole records of known kinds, books that the dictionary has, second records where
 * the flag says so. Keeps a digest of the events that is the same however they are cut into batches.
 */
export class EventCheck implements EventSink {
  events = 0;
  digest = 0;
  readonly #dictionary: Dictionary;
  readonly #sink: EventSink | null;

  constructor(dictionary: Dictionary, sink: EventSink | null) {
    this.#dictionary = dictionary;
    this.#sink = sink;
  }

  accept(batch: EventBatch): void {
    const { words, count, capacity } = batch;
    if (count <= 0 || count > capacity) throw new Broken(`${count} records in a batch of ${capacity}`);
    for (let record = 0; record < count; ) {
      const at = record * RECORD_WORDS;
      const head = words[at]!;
      const kind = head & 0xff;
      if (kind === 0 || kind > KIND_VENUE) throw new Broken(`an event of kind ${kind}`);
      const book = words[at + WORD_BOOK]!;
      if (book !== NO_BOOK && (book < 0 || book >= this.#dictionary.books.length))
        throw new Broken(`an event of book ${book}, there are ${this.#dictionary.books.length}`);
      this.#mix(head & 0xffff);
      this.#mixSum(batch.sequenceBase % TWO_32, Math.floor(batch.sequenceBase / TWO_32), head >>> 16);
      this.#mixSum(batch.venueBaseLow, batch.venueBaseHigh, words[at + 8]!);
      this.#mixSum(batch.receiveBaseLow, batch.receiveBaseHigh, words[at + 9]! >>> 0);
      for (let word = at + 1; word < at + 8; word += 1) this.#mix(words[word]!);
      record += 1;
      if (((head >>> 8) & FLAG_EXTENDED) !== 0) {
        if (record === count) throw new Broken('a batch that ends inside an extended event');
        const second = record * RECORD_WORDS;
        if ((words[second]! & 0xff) !== KIND_EXTENSION)
          throw new Broken('an extended event without its second record');
        for (let word = second; word < second + RECORD_WORDS; word += 1) this.#mix(words[word]!);
        record += 1;
      }
      this.events += 1;
    }
    this.#sink?.accept(batch);
  }

  /** A 64-bit base and a difference to it. */
  #mixSum(low: number, high: number, difference: number): void {
    const sum = (low >>> 0) + difference;
    this.#mix(sum | 0);
    this.#mix((high + Math.floor(sum / TWO_32)) | 0);
  }

  #mix(value: number): void {
    const mixed = Math.imul(this.digest ^ value, 0x9e3779b1);
    this.digest = (mixed ^ (mixed >>> 15)) | 0;
  }
}
