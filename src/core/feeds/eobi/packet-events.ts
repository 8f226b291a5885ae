import type { EventBatch } from '../../event/batch.ts';
import { FLAG_LAST, RECORD_WORDS } from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';
import { Datagram } from '../../packet/datagram.ts';
import { TRANSACT_TIME_OFFSET } from './packet.ts';

const LAST: number = FLAG_LAST << 8;
const WORDS: number = RECORD_WORDS;
/** `lastEvent`: the packet has no event in the batch. */
export const NONE = -1;

/** Writes the events of the packet in hand: their channel, times and numbers, and which of them is the last one. */
export class PacketEvents {
  readonly batch: EventBatch;
  readonly writer: EventWriter;
  datagram: Datagram = new Datagram();
  channel = 0;
  /** Words 8 and 9 of its records. */
  venue = 0;
  receive = 0;
  /** Number of the next message − base of the batch. */
  delta = 0;
  /** Word where the record of its last event begins in the batch, or NONE. */
  lastEvent: number = NONE;
  #venueHigh = 0;
  #venueLow = 0;

  constructor(writer: EventWriter) {
    this.writer = writer;
    this.batch = writer.batch;
  }

  /** Takes channel and times of a packet for what is written next. */
  stamp(datagram: Datagram, channel: number): void {
    const { view, offset } = datagram;
    this.datagram = datagram;
    this.channel = channel;
    this.#venueLow = view.getInt32(offset + TRANSACT_TIME_OFFSET, true);
    this.#venueHigh = view.getInt32(offset + TRANSACT_TIME_OFFSET + 4, true);
    // Undefined, or far beyond any clock: then it is the time of arrival.
    if (this.#venueHigh < 0) {
      this.#venueLow = datagram.timeLow;
      this.#venueHigh = datagram.timeHigh;
    }
  }

  /** Makes the batch ready for so many messages of the packet, the first of which has this number, an i32 as the u32. */
  begin(sequence: number, messages: number): void {
    const { batch, writer } = this;
    if (batch.count > 0) {
      const low = this.#venueLow - batch.venueBaseLow;
      const borrow = this.#venueLow >>> 0 < batch.venueBaseLow >>> 0 ? 1 : 0;
      if (this.#venueHigh - batch.venueBaseHigh - borrow !== (low | 0) >> 31) writer.flush();
    }
    const unsigned = sequence >>> 0;
    const { timeHigh, timeLow } = this.datagram;
    this.receive = writer.begin(this.channel, timeHigh, timeLow, unsigned, messages);
    if (batch.count === 0) {
      batch.venueBaseHigh = this.#venueHigh;
      batch.venueBaseLow = this.#venueLow;
      this.lastEvent = NONE;
    }
    this.venue = (this.#venueLow - batch.venueBaseLow) | 0;
    this.delta = unsigned - batch.sequenceBase;
  }

  /** Hands the batch over if it has no room for so many records. */
  room(records: number): void {
    const { batch } = this;
    if (batch.count <= batch.capacity - records) return;
    const sequence = batch.sequenceBase + this.delta;
    this.writer.flush();
    this.begin(sequence, 1);
  }

  /** Hands the batch over: what comes next must not come together with what came before. */
  flush(): void {
    this.writer.flush();
    this.lastEvent = NONE;
  }

  /** Writes the first record of an event. */
  put(
    head: number,
    book: number,
    idLow: number,
    idHigh: number,
    priceLow: number,
    priceHigh: number,
    quantityLow: number,
    quantityHigh: number,
  ): void {
    this.room(1);
    const { batch } = this;
    const { words } = batch;
    const to = batch.count * WORDS;
    words[to] = head | (this.delta << 16);
    words[to + 1] = book;
    words[to + 2] = idLow;
    words[to + 3] = idHigh;
    words[to + 4] = priceLow;
    words[to + 5] = priceHigh;
    words[to + 6] = quantityLow;
    words[to + 7] = quantityHigh;
    words[to + 8] = this.venue;
    words[to + 9] = this.receive;
    batch.count += 1;
    this.lastEvent = to;
  }

  /** The packet's last event ends the group. */
  endGroup(): void {
    if (this.lastEvent !== NONE) this.batch.words[this.lastEvent] |= LAST;
  }
}
