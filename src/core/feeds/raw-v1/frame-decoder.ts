import { BOOKS_MAX } from '../../event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  FLAG_SNAPSHOT,
  GAP_LOST,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DEFINITION,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_SESSION,
  KIND_TRADE,
  NO_BOOK,
} from '../../event/record.ts';
import type { FeedCounts } from '../counts.ts';
import type { DecoderOptions } from '../feed.ts';
import type { MessageSink } from '../message-sink.ts';
import { FrameEvents } from './frame-events.ts';
import { Instruments } from './instruments.ts';
import * as layout from './layout.ts';

const ADD = layout.TYPE_ADD;
const MODIFY = layout.TYPE_MODIFY;
const CANCEL = layout.TYPE_CANCEL;
const EXECUTE = layout.TYPE_EXECUTE;
const TWO_32 = 4294967296;
const NUMBER_MAX: number = Number.MAX_SAFE_INTEGER - 1;
/** Not known. */
const ANY = -1;

const LAST: number = FLAG_LAST << 8;
const ASK: number = FLAG_ASK << 8;
const SNAPSHOT: number = FLAG_SNAPSHOT << 8;
const HEAD_ADD: number = KIND_ADD;
const HEAD_QUANTITY: number = KIND_MODIFY | ((FLAG_LAST | FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY) << 8);
const HEAD_MODIFY: number = KIND_MODIFY | LAST;
const HEAD_DELETE: number = KIND_DELETE | LAST;
const HEAD_REDUCE: number = KIND_REDUCE | LAST;
const HEAD_EXECUTE: number = KIND_EXECUTE | ((FLAG_LAST | FLAG_EXTENDED) << 8);
const HEAD_TRADE: number = KIND_TRADE | ((FLAG_LAST | FLAG_EXTENDED) << 8);
const HEAD_CLEAR: number = KIND_CLEAR | LAST;
const HEAD_GAP: number = KIND_GAP;
const HEAD_SESSION: number = KIND_SESSION;
const HEAD_DEFINITION: number = KIND_DEFINITION;

/**
 * Frames of one history to events. Live frames are numbered by their cursor + 1, those of the older form by their place.
 *
 * A frame that was there is left out and counted. Where a cursor or a sequence of an instrument skips some, that is a
 * gap: of all books, or of the one. A snapshot begins the books anew.
 */
export class FrameDecoder {
  /** Numbers of the first and last live frame, 0 = there was none. */
  first = 0;
  last = 0;
  duplicates = 0;
  /** Frames of snapshots that have an order. */
  unsequenced = 0;
  /** History that the frames are of, as the server names it; both 0: it does not. */
  epochHigh = 0;
  epochLow = 0;
  /** A snapshot has begun and not ended. */
  isInSnapshot = false;
  /** Times of the first and last frame; `hasTime` once there was one. */
  hasTime = false;
  firstHigh = 0;
  firstLow = 0;
  readonly events: FrameEvents;
  readonly #counts: FeedCounts;
  readonly #messages: MessageSink | null;
  readonly #instruments: Instruments;
  /** Cursor of the live frame that comes next, or ANY. */
  #next = ANY;
  /** May an instrument begin with any sequence: a snapshot that does not tell sequences came before, or a loss? */
  #beginsAnywhere = false;
  /** Orders of the instrument at hand that its snapshot has still to bring. */
  #ordersLeft = 0;

  constructor({ dictionary, writer, counts, messages = null, channel }: DecoderOptions) {
    this.events = new FrameEvents(writer, channel);
    this.#counts = counts;
    this.#messages = messages;
    this.#instruments = new Instruments(dictionary, channel);
  }

  /** Decodes the frame of `length` bytes at `at`; `offset` is where it stands in the stream, for what is told of it. */
  decode(view: DataView<ArrayBuffer>, at: number, length: number, offset: number): void {
    const header = layout.headerBytes(view, at, length);
    if (header <= 0) {
      this.#refuse(header, view, at, offset);
      return;
    }
    const type = view.getUint16(at + layout.AT_TYPE, true);
    const payload = at + header;
    const { events } = this;
    events.timeLow = view.getInt32(payload - layout.BACK_TO_TIME, true);
    events.timeHigh = view.getInt32(payload - layout.BACK_TO_TIME + 4, true);
    if (!this.hasTime) {
      this.hasTime = true;
      this.firstHigh = events.timeHigh;
      this.firstLow = events.timeLow;
    }
    const isOrder = type >= ADD && type <= EXECUTE;
    const book = isOrder ? this.#instruments.bookOf(view, at) : NO_BOOK;
    this.#messages?.message(
      new Uint8Array(view.buffer),
      view.byteOffset + at,
      length,
      book,
      events.timeHigh,
      events.timeLow,
    );
    if (isOrder && book === NO_BOOK) {
      this.#counts.noteMalformed(`${layout.typeName(type)} beyond ${BOOKS_MAX} books`, 0, offset);
      return;
    }
    if (isOrder && !this.#place(view, at, header, type, book, offset)) return;
    this.#counts.totals[0]! += 1;
    this.#counts.byType[type]! += 1;
    if (isOrder) this.#order(view, payload, type, book, this.#isImage(view, at));
    else this.#control(view, at, payload, length - header, type);
  }

  #refuse(why: number, view: DataView, at: number, offset: number): void {
    if (why === layout.UNKNOWN_TYPE) {
      this.#counts.noteUnknown(layout.typeName(view.getUint16(at + layout.AT_TYPE, true)), 0, offset);
    } else if (why === layout.OTHER_CHANNEL) {
      this.#counts.noteMalformed('raw-v1 frame of another channel than 0', 0, offset);
    } else if (why === layout.WRONG_LENGTH) {
      const name = layout.typeName(view.getUint16(at + layout.AT_TYPE, true));
      this.#counts.noteMalformed(`${name} whose length is not that of its payload`, 0, offset);
    } else this.#counts.noteMalformed('raw-v1 frame without OBv1, version 1 and codec 0', 0, offset);
  }

  /** Has the frame the numbers of a snapshot? */
  #isImage(view: DataView, at: number): boolean {
    return (
      (view.getInt32(at + layout.AT_SEQUENCE, true) | view.getInt32(at + layout.AT_SEQUENCE + 4, true)) === 0
    );
  }

  /** Judges the numbers of a frame with an order, and tells what is missing in front of it. @returns whether it counts. */
  #place(view: DataView, at: number, header: number, type: number, book: number, offset: number): boolean {
    const sequence = numberAt(view, at + layout.AT_SEQUENCE);
    if (sequence === 0 && type === ADD) {
      this.unsequenced += 1;
      this.events.begin(0);
      return true;
    }
    const hasCursor = header === layout.HEADER_BYTES;
    const cursor = hasCursor ? numberAt(view, at + layout.AT_CURSOR) : this.last;
    if (sequence === 0 || sequence > NUMBER_MAX || cursor > NUMBER_MAX) {
      this.#counts.noteMalformed(`${layout.typeName(type)} with a number that no live frame has`, 0, offset);
      return false;
    }
    const known = this.#instruments.last(book);
    if (hasCursor ? this.#next !== ANY && cursor < this.#next : known !== ANY && sequence <= known) {
      this.duplicates += 1;
      return false;
    }
    if (hasCursor && this.#next !== ANY && cursor > this.#next) this.#lose(this.#next, cursor - this.#next);
    this.#next = hasCursor ? cursor + 1 : ANY;
    this.last = cursor + 1;
    if (this.first === 0) this.first = this.last;
    this.events.begin(this.last);
    this.#follow(book, sequence, offset);
    return true;
  }

  /** Notes the sequence of an instrument, whose book has a gap where it is not the next one. */
  #follow(book: number, sequence: number, offset: number): void {
    const known = this.#instruments.last(book);
    this.#instruments.setLast(book, sequence);
    const expected = known !== ANY ? known + 1 : this.#beginsAnywhere ? sequence : 1;
    if (sequence === expected) return;
    if (sequence < expected) this.#counts.remark('sequence of an instrument that goes back', 0, offset);
    this.#gapOf(book);
  }

  #gapOf(book: number): void {
    this.events.other(HEAD_GAP, book, 0, 0, GAP_LOST);
  }

  /** `count` live frames from a cursor on are lost. */
  #lose(cursor: number, count: number): void {
    this.events.begin(0);
    this.events.other(HEAD_GAP, NO_BOOK, cursor + 1, count, GAP_LOST);
    this.#instruments.forget();
    this.#beginsAnywhere = true;
  }

  #order(view: DataView, at: number, type: number, book: number, isImage: boolean): void {
    const { events } = this;
    if (type === ADD) {
      let head = HEAD_ADD | (view.getUint8(at + 24) === 1 ? ASK : 0);
      if (isImage) {
        this.#ordersLeft -= 1;
        head |= this.#ordersLeft <= 0 ? SNAPSHOT | LAST : SNAPSHOT;
      } else head |= LAST;
      this.#put(head, view, at, book, true, 16);
    } else if (type === MODIFY) {
      const isGone = (view.getInt32(at + 16, true) | view.getInt32(at + 20, true)) === 0;
      const isQuantity = (view.getUint8(at + 24) & layout.MODIFY_QUANTITY_ONLY) !== 0;
      if (isGone) events.order(HEAD_DELETE, book, view, at, 0, 0, 0, 0);
      else this.#put(isQuantity ? HEAD_QUANTITY : HEAD_MODIFY, view, at, book, !isQuantity, 16);
    } else if (type === CANCEL) {
      const isAll = (view.getInt32(at + 8, true) | view.getInt32(at + 12, true)) === 0;
      if (view.getUint8(at + 16) === layout.REASON_REFUSED) this.#refuseBook(book);
      else this.#put(isAll ? HEAD_DELETE : HEAD_REDUCE, view, at, book, false, 8);
    } else this.#execute(view, at, book);
  }

  /** An event with the quantity at `quantity` of the payload, and with its price at 8 or none. */
  #put(head: number, view: DataView, at: number, book: number, isPriced: boolean, quantity: number): void {
    this.events.order(
      head,
      book,
      view,
      at,
      isPriced ? view.getInt32(at + 12, true) : 0,
      isPriced ? view.getInt32(at + 8, true) : 0,
      view.getInt32(at + quantity + 4, true),
      view.getInt32(at + quantity, true),
    );
  }

  /** An execution always takes its quantity off the order; without one it is a print. */
  #execute(view: DataView, at: number, book: number): void {
    const isPrint = (view.getInt32(at, true) | view.getInt32(at + 4, true)) === 0;
    const priceLow = view.getInt32(at + 16, true);
    const priceHigh = view.getInt32(at + 20, true);
    const head = isPrint ? HEAD_TRADE : HEAD_EXECUTE;
    const quantityHigh = view.getInt32(at + 12, true);
    const quantityLow = view.getInt32(at + 8, true);
    this.events.order(
      head,
      book,
      view,
      at,
      isPrint ? priceHigh : 0,
      isPrint ? priceLow : 0,
      quantityHigh,
      quantityLow,
    );
    this.events.execution(view, at, isPrint ? 0 : priceHigh, isPrint ? 0 : priceLow);
  }

  /** The book has no form in frames any longer: it is empty here, and stale. */
  #refuseBook(book: number): void {
    if (!this.#instruments.refuse(book)) return;
    this.#gapOf(book);
    this.events.other(HEAD_CLEAR, book, 0, 0, 0);
  }

  #control(view: DataView, at: number, payload: number, length: number, type: number): void {
    if (type === layout.TYPE_GAP) this.#gap(view, payload);
    else if (type === layout.TYPE_SNAPSHOT_HEADER) this.#snapshotOf(view, at, payload, length);
    else if (type === layout.TYPE_SNAPSHOT_START) this.#startSnapshot(view, payload, length);
    else {
      if (type === layout.TYPE_SNAPSHOT_END) this.isInSnapshot = false;
      this.#readControl(view, payload, length);
    }
  }

  /** What a heartbeat or the end of a snapshot says: another history is one whose frames nobody has seen. */
  #readControl(view: DataView, at: number, length: number): void {
    if (length < layout.CONTROL_BYTES) return;
    this.#instruments.readDefaults(view, at, length);
    const low = view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    const isOther = high !== this.epochHigh || low !== this.epochLow;
    const isFirst = (this.epochHigh | this.epochLow) === 0;
    this.epochHigh = high;
    this.epochLow = low;
    if (isOther && !isFirst) this.#beginAnew(ANY, false);
  }

  #startSnapshot(view: DataView, at: number, length: number): void {
    const isExtended = length >= layout.CONTROL_BYTES;
    this.isInSnapshot = true;
    this.#ordersLeft = 0;
    this.#instruments.readDefaults(view, at, length);
    this.epochLow = isExtended ? view.getInt32(at, true) : 0;
    this.epochHigh = isExtended ? view.getInt32(at + 4, true) : 0;
    const cursor = isExtended ? numberAt(view, at + 8) : ANY;
    this.#beginAnew(cursor > NUMBER_MAX ? ANY : cursor, !isExtended);
  }

  /** All books are empty, and right; the live frame at `cursor` comes next. */
  #beginAnew(cursor: number, beginsAnywhere: boolean): void {
    this.events.begin(0);
    this.events.other(HEAD_SESSION, NO_BOOK, cursor === ANY ? 0 : cursor + 1, 0, 0);
    this.#instruments.forget();
    this.#next = cursor;
    this.#beginsAnywhere = beginsAnywhere;
  }

  #snapshotOf(view: DataView, at: number, payload: number, length: number): void {
    this.#ordersLeft = view.getUint32(payload + 4, true);
    const least = layout.EXTENDED_SNAPSHOT_HEADER_BYTES;
    if (length < least || length < least + view.getUint8(payload + 29)) return;
    const book = this.#instruments.describe(view, at, payload);
    if (book === NO_BOOK) return;
    this.events.begin(0);
    this.events.other(HEAD_DEFINITION, book, 0, layout.TYPE_SNAPSHOT_HEADER, 0);
    const sequence = numberAt(view, payload + 8);
    if (sequence <= NUMBER_MAX) this.#instruments.setLast(book, sequence);
    const flags = view.getUint8(payload + 28);
    if ((flags & layout.FLAG_REFUSED) !== 0) this.#instruments.refuse(book);
    if ((flags & (layout.FLAG_STALE | layout.FLAG_REFUSED)) !== 0) this.#gapOf(book);
  }

  /** What the server says is lost, without what was there all the same. */
  #gap(view: DataView, at: number): void {
    const from = numberAt(view, at);
    const to = numberAt(view, at + 8);
    if (from > to || to > NUMBER_MAX || (this.#next !== ANY && to < this.#next)) return;
    const first = this.#next === ANY ? from : Math.max(from, this.#next);
    this.#lose(first, to + 1 - first);
    this.#next = to + 1;
  }
}

/** An unsigned integer of 64 bits; above 2^53 it is not exact. */
function numberAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
