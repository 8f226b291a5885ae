import {
  ID_INSTRUMENT_SUMMARY,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  SIDE_BUY,
  SIDE_SELL,
} from '../feeds/eobi/layout.ts';
import { type MarketSegment, messagesIn, T7PacketEncoder } from '../feeds/eobi/packet-encoder.ts';
import type { ActionSource } from './action.ts';
import type { EobiBooks } from './eobi-books.ts';
import { PACKET_BYTES_MAX } from './eobi-lines.ts';
import { CONTINUOUS, type EobiTemplates, RELEASE, type Template } from './eobi-templates.ts';
import type { PacketLine } from './line.ts';
import { UnixTime } from './unix-time.ts';

/** Writes snapshots of products to the snapshot channel, the same packets on each line. */
export class EobiSnapshots {
  readonly #source: ActionSource;
  readonly #books: EobiBooks;
  readonly #templates: EobiTemplates;
  readonly #lines: readonly PacketLine[];
  readonly #encoder: T7PacketEncoder;
  readonly #time: UnixTime;

  /** @param midnight ns since 1970 of the midnight that times count from. */
  constructor(
    source: ActionSource,
    books: EobiBooks,
    templates: EobiTemplates,
    lines: readonly PacketLine[],
    partition: number,
    midnight: bigint,
  ) {
    this.#source = source;
    this.#books = books;
    this.#templates = templates;
    this.#lines = lines;
    this.#encoder = new T7PacketEncoder({ release: RELEASE, partition, packetBytesMax: PACKET_BYTES_MAX });
    this.#time = new UnixTime(midnight);
  }

  /** One snapshot of a product that contains its changes up to `last`. */
  send(segment: MarketSegment, last: number, instruments: readonly number[], time: number): void {
    const product = this.#templates.begin(ID_PRODUCT_SUMMARY, -1, time);
    product.word('LastMsgSeqNumProcessed', last);
    this.#append(segment, product, time);
    for (const instrument of instruments) {
      const summary = this.#templates.begin(ID_INSTRUMENT_SUMMARY, instrument, time);
      this.#templates.stamp(summary, 'LastUpdateTime');
      summary.short('TotNoOrders', this.#books.orders(instrument));
      summary.byte('SecurityTradingStatus', CONTINUOUS);
      summary.byte('NoMDEntries', 0);
      this.#append(segment, summary, time);
      this.#orders(segment, instrument, time);
    }
    this.#finish(time, true);
  }

  #orders(segment: MarketSegment, instrument: number, time: number): void {
    const { books } = this.#source;
    const order = this.#templates.begin(ID_SNAPSHOT_ORDER, -1, time);
    for (const ask of [0, 1]) {
      order.byte('Side', ask === 1 ? SIDE_SELL : SIDE_BUY);
      for (const slot of books.slots(instrument * 2 + ask)) {
        order.halves('TrdRegTSTimePriority', books.idHigh(slot), books.idLow(slot));
        order.integer('DisplayQty', BigInt(books.quantity(slot)) * this.#books.quantityFactor);
        order.integer('Price', this.#books.price(instrument, books.price(slot)));
        this.#append(segment, order, time);
      }
    }
  }

  #append(segment: MarketSegment, { message }: Template, time: number): void {
    if (this.#encoder.append(segment, message)) return;
    this.#finish(time, false);
    this.#encoder.append(segment, message);
  }

  #finish(time: number, isComplete: boolean): void {
    this.#time.set(time);
    const packet = this.#encoder.finish(isComplete, this.#time.high, this.#time.low);
    const messages = messagesIn(packet);
    for (const line of this.#lines) line.send(packet, messages, time);
  }
}
