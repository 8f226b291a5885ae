import { BOOKS_MAX } from '../../event/dictionary.ts';
import { NO_BOOK, RECORD_WORDS } from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import { BookTable } from '../book-table.ts';
import type { DecoderOptions, PacketDecoder } from '../feed.ts';
import type { MessageSink } from '../message-sink.ts';
import { SCALE } from './layout.ts';
import { READ_MALFORMED, READ_UNKNOWN, RECORDS_PER_MESSAGE } from './messages.ts';
import { FastLikeTransport } from './transport.ts';

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const WORDS: number = RECORD_WORDS;
const UNKNOWN: number = READ_UNKNOWN;
const MALFORMED: number = READ_MALFORMED;

/** FAST-like packets: a packet is decoded whole, and its events have its number. */
export class FastLikeDecoder extends FastLikeTransport implements PacketDecoder {
  readonly #source: string;
  readonly #options: DecoderOptions;
  /** Books by instrument, and the last one looked up. */
  readonly #books: BookTable = new BookTable();
  #lastInstrument = 0;
  #lastBook: number = NO_BOOK;
  /** Records of messages that only count. */
  readonly #scratch: Int32Array = new Int32Array(RECORDS_PER_MESSAGE * RECORD_WORDS);

  constructor(source: string, options: DecoderOptions) {
    super();
    const { capacity } = options.writer.batch;
    if (capacity < RECORDS_PER_MESSAGE) {
      throw new RangeError(
        `a FAST-like message needs ${RECORDS_PER_MESSAGE} records, the batch has ${capacity}`,
      );
    }
    this.#source = source;
    this.#options = options;
  }

  /** Decodes all whole messages of the packet: there is nothing to skip, and what is wanted of it is all of it. */
  decode(datagram: Datagram, first: number, _skip: number, take: number): void {
    if (take === 0) return;
    const { writer, counts } = this.#options;
    const { byType, totals } = counts;
    const { batch } = writer;
    const { words } = batch;
    const room = batch.capacity - RECORDS_PER_MESSAGE;
    const { messages } = this;
    const shown = this.#options.messages ?? null;
    if (shown !== null) this.#show(datagram, shown);
    let receive = this.#begin(datagram, first);
    let delta = (first - batch.sequenceBase) | 0;
    messages.begin(datagram);
    while (messages.next()) {
      if (batch.count > room) {
        writer.flush();
        receive = this.#begin(datagram, first);
        delta = 0;
      }
      const to = batch.count * WORDS;
      const records = messages.read(words, to);
      if (records <= MALFORMED) {
        this.#note(datagram, records);
        continue;
      }
      words[to] |= delta << 16;
      if (messages.namesInstrument) words[to + 1] = this.#bookOf(words[to + 1]);
      words[to + 8] = receive;
      words[to + 9] = receive;
      batch.count += records;
      byType[messages.templateLow] += 1;
      totals[0] += 1;
    }
  }

  /** Shows the messages whole. Only adds and trades name an instrument. */
  #show(datagram: Datagram, sink: MessageSink): void {
    const { bytes, offset, timeHigh, timeLow } = datagram;
    const { messages } = this;
    const words = this.#scratch;
    messages.begin(datagram);
    while (messages.next()) {
      const isRead = messages.read(words, 0) > MALFORMED;
      const book = isRead && messages.namesInstrument ? this.#bookOf(words[1]) : NO_BOOK;
      sink.message(bytes, offset + messages.offset, messages.bytes, book, timeHigh, timeLow);
    }
  }

  tally(datagram: Datagram, take: number): void {
    const { byType, totals } = this.#options.counts;
    const { messages } = this;
    messages.begin(datagram);
    for (let left = take; left > 0 && messages.next(); left -= 1) {
      const records = messages.read(this.#scratch, 0);
      if (records <= MALFORMED) {
        this.#note(datagram, records);
        continue;
      }
      byType[messages.templateLow] += 1;
      totals[0] += 1;
    }
  }

  /**
   * Makes the batch ready for a packet. @returns words 8 and 9 of its records: venue time is receive time, so both
   * count from the same base, and what word 8 could not hold begins another batch.
   */
  #begin(datagram: Datagram, number: number): number {
    const { writer, channel } = this.#options;
    const { batch } = writer;
    const { timeHigh, timeLow } = datagram;
    let receive = writer.begin(channel, timeHigh, timeLow, number, 1);
    if (receive < 0) {
      writer.flush();
      receive = writer.begin(channel, timeHigh, timeLow, number, 1);
    }
    batch.venueBaseHigh = batch.receiveBaseHigh;
    batch.venueBaseLow = batch.receiveBaseLow;
    return receive;
  }

  /** Counts a message that became nothing. */
  #note({ packetNumber }: Datagram, answer: number): void {
    const { counts } = this.#options;
    const { offset } = this.messages;
    const kind = `template ${this.messages.templateText()}`;
    if (answer === UNKNOWN) counts.noteUnknown(kind, packetNumber, offset);
    else counts.noteMalformed(`${kind}: a field runs past its body or past 64 bits`, packetNumber, offset);
  }

  /** Number of the book of an instrument; a new one at first sight, NO_BOOK where the dictionary is full. */
  #bookOf(instrument: number): number {
    if (instrument === this.#lastInstrument && this.#lastBook >= 0) return this.#lastBook;
    const known = this.#books.find(0, instrument);
    this.#lastInstrument = instrument;
    this.#lastBook = known < 0 ? this.#open(instrument) : known;
    return this.#lastBook;
  }

  #open(instrument: number): number {
    const { dictionary, channel } = this.#options;
    if (dictionary.books.length >= BOOKS_MAX) return NO_BOOK;
    const book = dictionary.add({
      source: this.#source,
      publisher: 0,
      instrument: BigInt(instrument >>> 0),
      channel,
      priceScale: SCALE,
      quantityScale: SCALE,
      symbol: null,
    });
    this.#books.add(0, instrument, book);
    return book;
  }
}
