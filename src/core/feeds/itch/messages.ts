import { bigHigh, bigLow } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import {
  CONDITION_NON_PRINTABLE,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_ADD,
  KIND_DEFINITION,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_STATUS,
  KIND_TRADE,
  KIND_VENUE,
  RECORD_WORDS,
} from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';
import type { FeedCounts } from '../counts.ts';
import type { DecoderOptions } from '../feed.ts';
import { HEAD_BYTES, LENGTH_BY_TYPE, LENGTH_UNKNOWN, STOCK_OFFSET_BY_TYPE, typeName } from './layout.ts';
import { LocateTable, SLOT_BIAS } from './locate-table.ts';
import { ShownMessages } from './shown-messages.ts';

const LAST: number = FLAG_LAST << 8;
const LAST_EXTENDED: number = LAST | (FLAG_EXTENDED << 8);
const ASK: number = FLAG_ASK << 8;
const HEAD_ADD: number = KIND_ADD | LAST;
const HEAD_DELETE: number = KIND_DELETE | LAST;
const HEAD_REDUCE: number = KIND_REDUCE | LAST;
const HEAD_EXECUTE: number = KIND_EXECUTE | LAST_EXTENDED;
const HEAD_REPLACE: number = KIND_REPLACE | LAST_EXTENDED;
const HEAD_TRADE: number = KIND_TRADE | LAST_EXTENDED;
const HEAD_VENUE: number = KIND_VENUE | LAST;
const HEAD_VENUE_EXTENDED: number = KIND_VENUE | LAST_EXTENDED;
const HEAD_STATUS: number = KIND_STATUS | LAST;
const HEAD_DEFINITION: number = KIND_DEFINITION | LAST;

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const WORDS: number = RECORD_WORDS;
const EXTENSION: number = KIND_EXTENSION;
const NON_PRINTABLE: number = CONDITION_NON_PRINTABLE;
const BIAS: number = SLOT_BIAS;
const SHORTEST: number = HEAD_BYTES;
const LENGTHS: Int32Array = LENGTH_BY_TYPE;
const STOCK_OFFSETS: Uint8Array = STOCK_OFFSET_BY_TYPE;

/** Most records that one message becomes. */
const RECORDS_PER_MESSAGE = 2;
/** High half of a base that no timestamp fits: the batch has none yet. */
const NO_BASE = 0x20000;
const BUY = 0x42;
const SELL = 0x53;
const NOT_PRINTABLE = 0x4e;

/** How a framing wraps messages, and where their receive time is from. */
export interface MessageFraming {
  /** Bytes in front of a message: its length u16, and behind that what the length counts in, too. */
  readonly prefixBytes: number;
  /** Nobody has noted when messages arrived: their receive time is their venue time. */
  readonly receiveIsVenue: boolean;
}

/**
 * Turns runs of ITCH messages into events. The framing has found the run whole; here are only messages.
 *
 *     run:  { length u16 · (prefixBytes − 2) bytes, counted in the length · message } × take
 *
 * A run has at most 65,535 messages, numbered upwards from `sequence`, or all without number where that is 0.
 *
 * `#plain` decodes one message after the other and calls nobody. Where something is unusual (a full batch, the first
 * sight of a stock, a message that cannot be read) it stops in front of that message; `#settle` sees to it, and on it goes.
 */
export class MessageDecoder {
  /** For problems: the packet in hand, and the place in the view that their offsets count from. */
  packetNumber = 0;
  origin = 0;
  readonly #writer: EventWriter;
  readonly #batch: EventBatch;
  readonly #counts: FeedCounts;
  readonly #books: LocateTable;
  readonly #shown: ShownMessages | null;
  readonly #channel: number;
  readonly #midnightHigh: number;
  readonly #midnightLow: number;
  readonly #prefixBytes: number;
  /** All ones where the receive time of a message is its venue time, else 0. */
  readonly #venueMask: number;
  /** Where the next message of the run begins, with its prefix, how many are left, and its number − that of the batch. */
  #next = 0;
  #left = 0;
  #delta = 0;
  #step = 0;
  /** When the run arrived, and that time as word 9 of its records; 0 where `#venueMask` makes it. */
  #receiveHigh = 0;
  #receiveLow = 0;
  #receive = 0;
  /** The batch's base of venue times, as a timestamp since midnight. */
  #baseHigh = 0;
  #baseLow = 0;

  constructor(source: string, options: DecoderOptions, framing: MessageFraming) {
    const { writer, counts, channel, dictionary, midnight, messages } = options;
    if (writer.batch.capacity < RECORDS_PER_MESSAGE) {
      throw new RangeError(
        `an ITCH message needs ${RECORDS_PER_MESSAGE} records, the batch has ${writer.batch.capacity}`,
      );
    }
    this.#writer = writer;
    this.#batch = writer.batch;
    this.#counts = counts;
    this.#channel = channel;
    this.#books = new LocateTable(source, channel, dictionary);
    this.#shown = messages == null ? null : new ShownMessages(messages, this.#books, framing.prefixBytes);
    this.#midnightHigh = midnight === null ? 0 : bigHigh(midnight);
    this.#midnightLow = midnight === null ? 0 : bigLow(midnight);
    this.#prefixBytes = framing.prefixBytes;
    this.#venueMask = framing.receiveIsVenue ? -1 : 0;
  }

  /** Decodes the `take` messages of the run at `from`; `receiveHigh`, `receiveLow` is when they arrived. */
  decode(
    view: DataView,
    from: number,
    take: number,
    sequence: number,
    receiveHigh: number,
    receiveLow: number,
  ): void {
    const batch = this.#batch;
    if (this.#shown !== null) this.#show(this.#shown, view, from, take, receiveHigh, receiveLow);
    this.#next = from;
    this.#left = take;
    this.#step = sequence === 0 ? 0 : 1;
    this.#receiveHigh = receiveHigh;
    this.#receiveLow = receiveLow;
    this.#begin(sequence);
    this.#delta = (sequence - batch.sequenceBase) | 0;
    if (batch.count === 0) this.#baseHigh = NO_BASE;
    else {
      const borrow = batch.venueBaseLow >>> 0 < this.#midnightLow >>> 0 ? 1 : 0;
      this.#baseHigh = (batch.venueBaseHigh - this.#midnightHigh - borrow) | 0;
      this.#baseLow = (batch.venueBaseLow - this.#midnightLow) | 0;
    }
    this.#plain(view);
    while (this.#left > 0) {
      this.#settle(view);
      this.#plain(view);
    }
  }

  #show(
    shown: ShownMessages,
    view: DataView,
    from: number,
    take: number,
    timeHigh: number,
    timeLow: number,
  ): void {
    if (this.#venueMask === 0) shown.show(view, from, take, timeHigh, timeLow);
    else shown.showByOwnTime(view, from, take, this.#midnightHigh, this.#midnightLow);
  }

  /** Decodes the messages of the run up to the first unusual one. */
  #plain(view: DataView): void {
    const { slots, named } = this.#books;
    const { byType, totals } = this.#counts;
    const batch = this.#batch;
    const { words } = batch;
    const room = batch.capacity - RECORDS_PER_MESSAGE;
    const prefixBytes = this.#prefixBytes | 0;
    const venueMask = this.#venueMask | 0;
    const receive = this.#receive | 0;
    const baseHigh = this.#baseHigh | 0;
    const baseLow = this.#baseLow | 0;
    const step = this.#step | 0;
    const start = this.#left | 0;
    let next = this.#next | 0;
    let left = start;
    let delta = this.#delta | 0;
    let count = batch.count | 0;

    run: while (left > 0) {
      const at = next + prefixBytes;
      const length = view.getUint16(next) + 2 - prefixBytes;
      if (length < SHORTEST) break;
      const type = view.getUint8(at);
      if (length < LENGTHS[type]) break;

      // The high word of the difference must be the sign of the low one: then it fits 32 bits.
      const timeHigh = view.getUint16(at + 5);
      const timeLow = view.getInt32(at + 7);
      const venue = (timeLow - baseLow) | 0;
      const borrow = timeLow >>> 0 < baseLow >>> 0 ? 1 : 0;
      if (count > room || timeHigh - baseHigh - borrow !== venue >> 31 || (venue & venueMask) < 0) break;

      const locate = view.getUint16(at + 1);
      const slot = slots[locate];
      if (slot === 0) break;

      const to = count * WORDS;
      let head = 0;
      let idHigh = 0;
      let idLow = 0;
      let price = 0;
      let quantityHigh = 0;
      let quantity = 0;
      switch (type) {
        case 0x41: // A
        case 0x46: {
          // F
          const side = view.getUint8(at + 19);
          if (named[locate] === 0 || (side !== BUY && side !== SELL)) break run;
          head = side === SELL ? HEAD_ADD | ASK : HEAD_ADD;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 20);
          price = view.getInt32(at + 32);
          break;
        }
        case 0x44: // D
          head = HEAD_DELETE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          break;
        case 0x55: // U
          head = HEAD_REPLACE;
          idHigh = view.getInt32(at + 19);
          idLow = view.getInt32(at + 23);
          quantity = view.getInt32(at + 27);
          price = view.getInt32(at + 31);
          extend(words, to, 0, view.getInt32(at + 11), view.getInt32(at + 15), 0, 0, 0);
          count += 1;
          break;
        case 0x45: // E
          head = HEAD_EXECUTE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 19);
          extend(words, to, 0, 0, 0, 0, view.getInt32(at + 23), view.getInt32(at + 27));
          count += 1;
          break;
        case 0x58: // X
          head = HEAD_REDUCE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 19);
          break;
        case 0x43: {
          // C
          const condition = view.getUint8(at + 31) === NOT_PRINTABLE ? NON_PRINTABLE : 0;
          head = HEAD_EXECUTE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 19);
          const executionPrice = view.getInt32(at + 32);
          extend(words, to, condition, 0, 0, executionPrice, view.getInt32(at + 23), view.getInt32(at + 27));
          count += 1;
          break;
        }
        case 0x50: // P
          if (named[locate] === 0) break run;
          head = HEAD_TRADE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 20);
          price = view.getInt32(at + 32);
          extend(words, to, 0, 0, 0, 0, view.getInt32(at + 36), view.getInt32(at + 40));
          count += 1;
          break;
        case 0x51: // Q
          if (named[locate] === 0) break run;
          head = HEAD_TRADE;
          quantityHigh = view.getInt32(at + 11);
          quantity = view.getInt32(at + 15);
          price = view.getInt32(at + 27);
          extend(words, to, view.getUint8(at + 39), 0, 0, 0, view.getInt32(at + 31), view.getInt32(at + 35));
          count += 1;
          break;
        case 0x42: // B
          head = HEAD_VENUE_EXTENDED;
          quantity = type;
          extend(words, to, 0, 0, 0, 0, view.getInt32(at + 11), view.getInt32(at + 15));
          count += 1;
          break;
        default:
          if (named[locate] === 0 && STOCK_OFFSETS[type] !== 0) break run;
          head = HEAD_VENUE;
          quantity = type;
          if (type === 0x52)
            head = HEAD_DEFINITION; // R
          else if (type === 0x48) {
            // H
            head = HEAD_STATUS;
            price = view.getUint8(at + 19);
          } else if (type === 0x53) {
            // S
            head = HEAD_STATUS;
            price = view.getUint8(at + 11);
          }
      }
      words[to] = head | (delta << 16);
      words[to + 1] = slot - BIAS;
      words[to + 2] = idLow;
      words[to + 3] = idHigh;
      words[to + 4] = price;
      words[to + 5] = 0;
      words[to + 6] = quantity;
      words[to + 7] = quantityHigh;
      words[to + 8] = venue;
      words[to + 9] = receive | (venue & venueMask);
      byType[type] += 1;
      count += 1;
      delta += step;
      next = at + length;
      left -= 1;
    }

    batch.count = count;
    totals[0] += start - left;
    this.#next = next;
    this.#left = left;
    this.#delta = delta;
  }

  /** Counts and leaves out the message at hand if it cannot be read; if it can, removes one thing that stops `#plain`. */
  #settle(view: DataView): void {
    const at = this.#next + this.#prefixBytes;
    const end = this.#next + 2 + view.getUint16(this.#next);
    if (at === end || !this.#isReadable(view, at, end - at)) {
      this.#next = end;
      this.#left -= 1;
      this.#delta += this.#step;
      return;
    }
    const books = this.#books;
    const locate = view.getUint16(at + 1);
    const stock = STOCK_OFFSETS[view.getUint8(at)];
    if (books.slots[locate] === 0) books.open(locate);
    else if (stock !== 0 && books.named[locate] === 0) books.name(locate, view, at + stock);
    else this.#rebase(view.getUint16(at + 5), view.getInt32(at + 7));
  }

  /** Counts a run as `decode` does, without making events of it. */
  tally(view: DataView, from: number, take: number): void {
    const { byType, totals } = this.#counts;
    let next = from;
    for (let left = take; left > 0; left -= 1) {
      const at = next + this.#prefixBytes;
      next += 2 + view.getUint16(next);
      if (at !== next && this.#isReadable(view, at, next - at)) {
        byType[view.getUint8(at)] += 1;
        totals[0] += 1;
      }
    }
  }

  /** Makes the batch ready for the messages left, the first of which has this number. */
  #begin(sequence: number): void {
    const batch = this.#batch;
    const writer = this.#writer;
    const messages = sequence === 0 ? 1 : this.#left;
    if (this.#venueMask === 0) {
      this.#receive = writer.begin(this.#channel, this.#receiveHigh, this.#receiveLow, sequence, messages);
      return;
    }
    // Word 8 serves as word 9, too, so both bases have to be the same.
    const { venueBaseHigh, venueBaseLow } = batch;
    if (batch.receiveBaseHigh !== venueBaseHigh || batch.receiveBaseLow !== venueBaseLow) writer.flush();
    writer.begin(this.#channel, venueBaseHigh, venueBaseLow, sequence, messages);
  }

  /** Hands the batch over and begins another whose venue times count from this timestamp. */
  #rebase(timeHigh: number, timeLow: number): void {
    const batch = this.#batch;
    const sequence = batch.sequenceBase + this.#delta;
    const low = (this.#midnightLow + timeLow) | 0;
    const high = this.#midnightHigh + timeHigh + (low >>> 0 < timeLow >>> 0 ? 1 : 0);
    this.#writer.flush();
    batch.venueBaseHigh = high;
    batch.venueBaseLow = low;
    this.#begin(sequence);
    this.#delta = 0;
    this.#baseHigh = timeHigh;
    this.#baseLow = timeLow;
  }

  /** Can a message with at least one byte become an event? If not, it is counted. */
  #isReadable(view: DataView, at: number, length: number): boolean {
    const type = view.getUint8(at);
    const expected = LENGTHS[type];
    const offset = at - this.origin;
    if (expected === LENGTH_UNKNOWN) {
      this.#counts.noteUnknown(`type ${typeName(type)}`, this.packetNumber, offset);
      return false;
    }
    if (length < expected) {
      this.#counts.noteMalformed(
        `${typeName(type)} shorter than ${expected} bytes`,
        this.packetNumber,
        offset,
      );
      return false;
    }
    if (type !== 0x41 && type !== 0x46) return true;
    const side = view.getUint8(at + 19);
    if (side === BUY || side === SELL) return true;
    // There is no side of the book to put it on.
    this.#counts.noteMalformed(`${typeName(type)} without side`, this.packetNumber, offset);
    return false;
  }
}

/** Writes the second record of the event at `to`. */
function extend(
  words: Int32Array,
  to: number,
  condition: number,
  relatedHigh: number,
  relatedLow: number,
  executionPrice: number,
  matchHigh: number,
  matchLow: number,
): void {
  const at = to + WORDS;
  words[at] = EXTENSION | (condition << 16);
  words[at + 1] = 0;
  words[at + 2] = relatedLow;
  words[at + 3] = relatedHigh;
  words[at + 4] = executionPrice;
  words[at + 5] = 0;
  words[at + 6] = matchLow;
  words[at + 7] = matchHigh;
  words[at + 8] = 0;
  words[at + 9] = 0;
}
