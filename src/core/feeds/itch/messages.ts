import { bigHigh, bigLow } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import {
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
import { LENGTH_BY_TYPE, LENGTH_UNKNOWN, STOCK_OFFSET_BY_TYPE, typeName } from './layout.ts';
import { LocateTable, SLOT_BIAS } from './locate-table.ts';

/** Trade condition of a `C` that is left out of volume and last sale (printable N). */
export const CONDITION_NON_PRINTABLE = 1;

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

/** Most records that one message becomes. */
const RECORDS_PER_MESSAGE = 2;
const UNSEEN: number = -SLOT_BIAS;
/** High half of a time base that no timestamp fits: the batch has none yet. */
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
 */
export class MessageDecoder {
  /** For problems: the packet in hand, and the place in the view that their offsets count from. */
  packetNumber = 0;
  origin = 0;
  /** Venue time of the first and the last message decoded, ns, as halves; valid once `started`. */
  started = false;
  firstTimeHigh = 0;
  firstTimeLow = 0;
  lastTimeHigh = 0;
  lastTimeLow = 0;
  readonly #writer: EventWriter;
  readonly #batch: EventBatch;
  readonly #counts: FeedCounts;
  readonly #books: LocateTable;
  readonly #channel: number;
  readonly #midnightHigh: number;
  readonly #midnightLow: number;
  readonly #prefixBytes: number;
  readonly #receiveIsVenue: boolean;

  constructor(source: string, options: DecoderOptions, framing: MessageFraming) {
    const { writer, counts, channel, dictionary, midnight } = options;
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
    this.#midnightHigh = midnight === null ? 0 : bigHigh(midnight);
    this.#midnightLow = midnight === null ? 0 : bigLow(midnight);
    this.#prefixBytes = framing.prefixBytes;
    this.#receiveIsVenue = framing.receiveIsVenue;
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
    const { words } = batch;
    const room = batch.capacity - RECORDS_PER_MESSAGE;
    const { byType } = this.#counts;
    const books = this.#books;
    const { slots, named } = books;
    const prefixBytes = this.#prefixBytes;
    const receiveIsVenue = this.#receiveIsVenue;
    const step = sequence === 0 ? 0 : 1;

    let receive = this.#begin(take, sequence, receiveHigh, receiveLow);
    // The base of venue times in the batch, as a timestamp since midnight.
    let baseHigh = NO_BASE;
    let baseLow = 0;
    if (batch.count > 0) {
      const borrow = batch.venueBaseLow >>> 0 < this.#midnightLow >>> 0 ? 1 : 0;
      baseHigh = (batch.venueBaseHigh - this.#midnightHigh - borrow) | 0;
      baseLow = (batch.venueBaseLow - this.#midnightLow) | 0;
    }
    let count = batch.count;
    let delta = (sequence - batch.sequenceBase) | 0;
    let messages = 0;
    let lastHigh = 0;
    let lastLow = 0;
    let next = from;

    for (let left = take; left > 0; left -= 1, delta += step) {
      const at = next + prefixBytes;
      const length = view.getUint16(next) + 2 - prefixBytes;
      next = at + length;
      if (length === 0) continue;
      const type = view.getUint8(at);
      if (length < LENGTH_BY_TYPE[type]) {
        this.#refuse(type, at);
        continue;
      }

      const timeHigh = view.getUint16(at + 5);
      const timeLow = view.getInt32(at + 7);
      let venue = (timeLow - baseLow) | 0;
      if (
        count > room ||
        timeHigh - baseHigh - (timeLow >>> 0 < baseLow >>> 0 ? 1 : 0) !== venue >> 31 ||
        (receiveIsVenue && venue < 0)
      ) {
        batch.count = count;
        this.#rebase(timeHigh, timeLow, batch.sequenceBase + delta, left, receiveHigh, receiveLow);
        count = 0;
        delta = 0;
        baseHigh = timeHigh;
        baseLow = timeLow;
        venue = 0;
        receive = 0;
      }
      if (receiveIsVenue) receive = venue;
      lastHigh = timeHigh;
      lastLow = timeLow;

      const locate = view.getUint16(at + 1);
      let book = slots[locate] - SLOT_BIAS;
      if (book === UNSEEN) book = books.open(locate);

      const to = count * RECORD_WORDS;
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
          if (side !== BUY && side !== SELL) {
            this.#refuseSide(type, at);
            continue;
          }
          if (named[locate] === 0) books.name(locate, view, at + 24);
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
          const condition = view.getUint8(at + 31) === NOT_PRINTABLE ? CONDITION_NON_PRINTABLE : 0;
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
          if (named[locate] === 0) books.name(locate, view, at + 24);
          head = HEAD_TRADE;
          idHigh = view.getInt32(at + 11);
          idLow = view.getInt32(at + 15);
          quantity = view.getInt32(at + 20);
          price = view.getInt32(at + 32);
          extend(words, to, 0, 0, 0, 0, view.getInt32(at + 36), view.getInt32(at + 40));
          count += 1;
          break;
        case 0x51: // Q
          if (named[locate] === 0) books.name(locate, view, at + 19);
          head = HEAD_TRADE;
          quantityHigh = view.getInt32(at + 11);
          quantity = view.getInt32(at + 15);
          price = view.getInt32(at + 27);
          extend(words, to, view.getUint8(at + 39), 0, 0, 0, view.getInt32(at + 31), view.getInt32(at + 35));
          count += 1;
          break;
        default: {
          const stock = STOCK_OFFSET_BY_TYPE[type];
          if (stock !== 0 && named[locate] === 0) books.name(locate, view, at + stock);
          head = HEAD_VENUE;
          quantity = type;
          if (type === 0x52)
            head = HEAD_DEFINITION; // R
          else if (type === 0x53) {
            // S
            head = HEAD_STATUS;
            price = view.getUint8(at + 11);
          } else if (type === 0x48) {
            // H
            head = HEAD_STATUS;
            price = view.getUint8(at + 19);
          } else if (type === 0x42) {
            // B
            head = HEAD_VENUE_EXTENDED;
            extend(words, to, 0, 0, 0, 0, view.getInt32(at + 11), view.getInt32(at + 15));
            count += 1;
          }
        }
      }
      byType[type] += 1;
      messages += 1;
      words[to] = head | (delta << 16);
      words[to + 1] = book;
      words[to + 2] = idLow;
      words[to + 3] = idHigh;
      words[to + 4] = price;
      words[to + 5] = 0;
      words[to + 6] = quantity;
      words[to + 7] = quantityHigh;
      words[to + 8] = venue;
      words[to + 9] = receive;
      count += 1;
    }

    batch.count = count;
    this.#counts.totals[0] += messages;
    if (messages > 0) this.#keepLastTime(lastHigh, lastLow);
  }

  /** Counts a run as `decode` does, without making events of it. */
  tally(view: DataView, from: number, take: number): void {
    const { byType } = this.#counts;
    const prefixBytes = this.#prefixBytes;
    let messages = 0;
    let next = from;
    for (let left = take; left > 0; left -= 1) {
      const at = next + prefixBytes;
      const length = view.getUint16(next) + 2 - prefixBytes;
      next = at + length;
      if (length === 0) continue;
      const type = view.getUint8(at);
      if (length < LENGTH_BY_TYPE[type]) this.#refuse(type, at);
      else if ((type === 0x41 || type === 0x46) && !isSide(view.getUint8(at + 19)))
        this.#refuseSide(type, at);
      else {
        byType[type] += 1;
        messages += 1;
      }
    }
    this.#counts.totals[0] += messages;
  }

  /** @returns word 9 of the run's records, unless it is the venue time. */
  #begin(take: number, sequence: number, receiveHigh: number, receiveLow: number): number {
    const batch = this.#batch;
    const writer = this.#writer;
    const messages = sequence === 0 ? 1 : take;
    if (!this.#receiveIsVenue)
      return writer.begin(this.#channel, receiveHigh, receiveLow, sequence, messages);
    // Word 8 serves as word 9, too, so both bases have to be the same.
    if (
      !this.started ||
      batch.receiveBaseHigh !== batch.venueBaseHigh ||
      batch.receiveBaseLow !== batch.venueBaseLow
    ) {
      writer.flush();
    }
    return writer.begin(this.#channel, batch.receiveBaseHigh, batch.receiveBaseLow, sequence, messages);
  }

  /** Hands the batch over and begins another whose venue times count from this message's. */
  #rebase(
    timeHigh: number,
    timeLow: number,
    sequence: number,
    left: number,
    receiveHigh: number,
    receiveLow: number,
  ): void {
    const batch = this.#batch;
    const writer = this.#writer;
    const low = (this.#midnightLow + timeLow) | 0;
    const high = this.#midnightHigh + timeHigh + (low >>> 0 < timeLow >>> 0 ? 1 : 0);
    const messages = sequence === 0 ? 1 : left;
    writer.flush();
    if (this.#receiveIsVenue) writer.begin(this.#channel, high, low, sequence, messages);
    else writer.begin(this.#channel, receiveHigh, receiveLow, sequence, messages);
    batch.venueBaseHigh = high;
    batch.venueBaseLow = low;
    if (!this.started) {
      this.started = true;
      this.firstTimeHigh = high;
      this.firstTimeLow = low;
    }
  }

  #keepLastTime(timeHigh: number, timeLow: number): void {
    const low = (this.#midnightLow + timeLow) | 0;
    this.lastTimeHigh = this.#midnightHigh + timeHigh + (low >>> 0 < timeLow >>> 0 ? 1 : 0);
    this.lastTimeLow = low;
  }

  /** Counts a message of an unknown type, or one shorter than its type. */
  #refuse(type: number, at: number): void {
    const expected = LENGTH_BY_TYPE[type];
    const offset = at - this.origin;
    if (expected === LENGTH_UNKNOWN) {
      this.#counts.noteUnknown(`type ${typeName(type)}`, this.packetNumber, offset);
    } else {
      this.#counts.noteMalformed(
        `${typeName(type)} shorter than ${expected} bytes`,
        this.packetNumber,
        offset,
      );
    }
  }

  /** Counts an order that is neither bought nor sold: there is no side of the book to put it on. */
  #refuseSide(type: number, at: number): void {
    this.#counts.noteMalformed(`${typeName(type)} without side`, this.packetNumber, at - this.origin);
  }
}

function isSide(code: number): boolean {
  return code === BUY || code === SELL;
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
  const at = to + RECORD_WORDS;
  words[at] = KIND_EXTENSION | (condition << 16);
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
