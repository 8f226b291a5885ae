import { Decimal, putInteger, putNine, widthOf } from '../../binary/decimal.ts';
import { Literal, TextWriter } from '../../binary/text-writer.ts';
import { bigHigh, bigLow, toBigUint } from '../../binary/time.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { EventDesk } from './event-maker.ts';
import { type EventWriter, RECEIVED, START } from './event-writer.ts';
import { HeldRecord } from './held-record.ts';

const TWO_32 = 4294967296;
const BILLION = 1_000_000_000;
const NS_OF_SECOND = 1_000_000_000n;
const MBO: number = EVENT_KINDS.indexOf('mbo');
const START_BYTES: number = START.length;
const NOT_RECEIVED: Literal = new Literal('","ts_recv":null');
const SIZE: Literal = new Literal('","size":');
const ORDER: Literal = new Literal(',"order_id":"');
const END: Literal = new Literal('}},');
const FLAGS = 256;
/** What an event needs beside the head of its topic, its digits included. */
const AROUND_BYTES = 320;
/** Layouts that are kept, a power of two: topics share them. */
const LAYOUTS = 4096;
const NOTHING: Uint8Array = new Uint8Array(0);

/** What stands between the receive time and the price; the letters of action and side are put into it. */
class Body {
  readonly literal: Literal;
  readonly actionAt: number;
  readonly sideAt: number;

  constructor(isTimed: boolean, last: boolean) {
    const action = `${isTimed ? '"' : ''},"last":${last},"body":{"action":"`;
    const side = `${action}?","side":"`;
    this.literal = new Literal(`${side}?","price":"`);
    this.actionAt = action.length;
    this.sideAt = side.length;
  }
}

/** By receive time (2 = known) and end of the group (1 = last). */
const BODIES: readonly Body[] = [
  new Body(false, false),
  new Body(false, true),
  new Body(true, false),
  new Body(true, true),
];

/** A time whose second mostly is that of the one before: then only its last nine digits are put. */
class Time {
  /** Digits in front of those that are put: 0 = none. */
  second = 0;
  /** Digits that are put. */
  width = 0;
  #ns = 0;
  /** Begin of the second at hand; at first no time is in it. */
  #high = 0;
  #low: number = Number.POSITIVE_INFINITY;

  /** Becomes a time. @returns whether it has the second of the one before, and as many digits behind it. */
  set(high: number, low: number): boolean {
    const ns = (high - this.#high) * TWO_32 + ((low >>> 0) - this.#low);
    if (ns < 0 || ns >= BILLION) {
      this.#begin(high, low);
      return false;
    }
    this.#ns = ns | 0;
    return this.second > 0 || this.#isAsWide();
  }

  put(view: DataView, at: number): void {
    if (this.second > 0) putNine(view, at, this.#ns);
    else putInteger(view, at, this.width, this.#ns);
  }

  #begin(high: number, low: number): void {
    const time = toBigUint(high, low);
    const ns = time % NS_OF_SECOND;
    const begin = time - ns;
    this.second = Number(begin / NS_OF_SECOND);
    this.#ns = Number(ns);
    this.#high = bigHigh(begin);
    this.#low = bigLow(begin) >>> 0;
    if (this.second > 0) this.width = 9;
    else this.#isAsWide();
  }

  /** In front of the first second there are no nine digits: each time has its own number of them. */
  #isAsWide(): boolean {
    const width = widthOf(this.#ns);
    const isAsWide = this.width === width;
    this.width = width;
    return isAsWide;
  }
}

/** An event without the digits and letters that change from one to the next, and where they belong. */
class Layout {
  bytes: Uint8Array = NOTHING;
  /** Bytes of the event. */
  length = 0;
  topic = -1;
  version = -1;
  body: Body = BODIES[0]!;
  flags = -1;
  channel = -1;
  /** What stands between the id and the sequence. */
  mark: Literal = END;
  readonly venue: Time = new Time();
  readonly receive: Time = new Time();
  seqWidth = 0;
  priceWidth = 0;
  quantityWidth = 0;
  idWidth = 0;
  sequenceWidth = 0;
  venueAt = 0;
  receiveAt = 0;
  bodyAt = 0;
  priceAt = 0;
  quantityAt = 0;
  idAt = 0;
  sequenceAt = 0;
  #text: TextWriter = new TextWriter(0);

  /** Lays out what is in front of the price, and the rest. @param head what stands between the number and the first time. */
  lay(head: Literal, isTimed: boolean): void {
    const bytes = head.length + AROUND_BYTES;
    if (this.bytes.length < bytes) {
      this.#text = new TextWriter(bytes);
      this.bytes = this.#text.bytes;
    }
    const text = this.#text;
    text.used = 0;
    text.literal(START);
    text.used += this.seqWidth;
    text.literal(head);
    if (this.venue.second > 0) text.integer(this.venue.second);
    this.venueAt = text.used;
    text.used += this.venue.width;
    if (isTimed) {
      text.literal(RECEIVED);
      if (this.receive.second > 0) text.integer(this.receive.second);
      this.receiveAt = text.used;
      text.used += this.receive.width;
    } else text.literal(NOT_RECEIVED);
    this.bodyAt = text.used;
    text.literal(this.body.literal);
    this.priceAt = text.used;
    this.layRest();
  }

  /** Lays out what is behind the price. */
  layRest(): void {
    const text = this.#text;
    text.used = this.priceAt + this.priceWidth;
    text.literal(SIZE);
    this.quantityAt = text.used;
    text.used += this.quantityWidth;
    text.literal(ORDER);
    this.idAt = text.used;
    text.used += this.idWidth;
    text.literal(this.mark);
    this.sequenceAt = text.used;
    text.used += this.sequenceWidth;
    text.literal(END);
    this.length = text.used;
  }
}

/**
 * Records of the schema mbo as DBN's own JSON. An event of a book mostly differs from the one before in digits only: its
 * text is taken over in one piece, and the digits are put into it.
 */
export class MboJson extends HeldRecord {
  readonly #writer: EventWriter;
  readonly #layouts: (Layout | null)[] = new Array<null>(LAYOUTS).fill(null);
  readonly #price: Decimal = new Decimal();
  readonly #id: Decimal = new Decimal();
  /** From the digits of the order's id to those of the sequence, by channel and flags. */
  readonly #marks: (Literal | undefined)[][] = [];

  constructor(writer: EventWriter, desk: EventDesk) {
    super(desk, Number.MAX_SAFE_INTEGER);
    this.#writer = writer;
  }

  protected write(last: boolean): void {
    const { head, topic, quantity, sequence, flags, channel } = this;
    const writer = this.#writer;
    const price = this.#price;
    const id = this.#id;
    price.signed(this.priceHigh, this.priceLow);
    id.unsigned(this.idHigh, this.idLow);
    const { seq, isTimed } = head;
    const body = BODIES[(isTimed ? 2 : 0) + (last ? 1 : 0)]!;
    const seqWidth = widthOf(seq);
    const quantityWidth = widthOf(quantity);
    const sequenceWidth = widthOf(sequence);
    const layout = this.#layouts[topic & (LAYOUTS - 1)] ?? this.#makeLayout(topic);
    const isSameVenue = layout.venue.set(head.venueHigh, head.venueLow);
    const isSameReceive = !isTimed || layout.receive.set(head.receiveHigh, head.receiveLow);
    const isNewMark = layout.flags !== flags || layout.channel !== channel;
    if (isNewMark) {
      layout.flags = flags;
      layout.channel = channel;
      layout.mark = this.#mark(flags);
    }
    const isNewRest =
      isNewMark ||
      layout.priceWidth !== price.width ||
      layout.quantityWidth !== quantityWidth ||
      layout.idWidth !== id.width ||
      layout.sequenceWidth !== sequenceWidth;
    if (isNewRest) {
      layout.priceWidth = price.width;
      layout.quantityWidth = quantityWidth;
      layout.idWidth = id.width;
      layout.sequenceWidth = sequenceWidth;
    }
    if (
      !isSameVenue ||
      !isSameReceive ||
      layout.topic !== topic ||
      layout.version !== writer.version ||
      layout.body !== body ||
      layout.seqWidth !== seqWidth
    ) {
      layout.topic = topic;
      layout.version = writer.version;
      layout.body = body;
      layout.seqWidth = seqWidth;
      layout.lay(writer.headOf(topic, MBO), isTimed);
    } else if (isNewRest) layout.layRest();
    const { memory } = writer;
    const at = memory.reserve(layout.bytes.length);
    memory.buffer.set(layout.bytes, at);
    const { view } = memory;
    putInteger(view, at + START_BYTES, seqWidth, seq);
    layout.venue.put(view, at + layout.venueAt);
    if (isTimed) layout.receive.put(view, at + layout.receiveAt);
    const bodyAt = at + layout.bodyAt;
    view.setUint8(bodyAt + body.actionAt, this.action);
    view.setUint8(bodyAt + body.sideAt, this.side);
    price.put(view, at + layout.priceAt);
    putInteger(view, at + layout.quantityAt, quantityWidth, quantity);
    id.put(view, at + layout.idAt);
    putInteger(view, at + layout.sequenceAt, sequenceWidth, sequence);
    memory.commit(layout.length, seq, topic, MBO);
  }

  #makeLayout(topic: number): Layout {
    const made = new Layout();
    this.#layouts[topic & (LAYOUTS - 1)] = made;
    return made;
  }

  #mark(flags: number): Literal {
    const known = this.#marks[this.channel]?.[flags];
    if (known !== undefined) return known;
    const made = new Literal(`","flags":${flags},"channel_id":${this.channel},"sequence":`);
    while (this.#marks.length <= this.channel) this.#marks.push(new Array<undefined>(FLAGS).fill(undefined));
    this.#marks[this.channel]![flags] = made;
    return made;
  }
}
