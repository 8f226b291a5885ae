import { nsBetween } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import { KIND_EXTENSION, RECORD_WORDS, SIDE_ASK, SIDE_NONE } from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';

const WORDS: number = RECORD_WORDS;
const EXTENSION: number = KIND_EXTENSION;
/** Records that are written without looking at the room again. */
const ROOM = 3;
const SEQUENCE_SPAN = 0xffff;
const TIME_SPAN = 0x7fffffff;
const TWO_32 = 4294967296;

/** Writes the events of frames into the batch. What they have in common is told by `begin`. */
export class FrameEvents {
  readonly #writer: EventWriter;
  readonly #batch: EventBatch;
  readonly #channel: number;
  #place = 0;
  #time = 0;
  /** Time of the frame at hand. */
  timeHigh = 0;
  timeLow = 0;

  constructor(writer: EventWriter, channel: number) {
    this.#writer = writer;
    this.#batch = writer.batch;
    this.#channel = channel;
    if (this.#batch.capacity < ROOM) {
      throw new RangeError(`a batch of ${this.#batch.capacity} records cannot hold the ${ROOM} of a frame`);
    }
  }

  /** Makes the batch ready for the events of the message `number`, 0 = it has none, with the time at hand. */
  begin(number: number): void {
    const batch = this.#batch;
    const time = nsBetween(this.timeHigh, this.timeLow, batch.receiveBaseHigh, batch.receiveBaseLow);
    const place = number - batch.sequenceBase;
    if (
      batch.count === 0 ||
      batch.count > batch.capacity - ROOM ||
      batch.channel !== this.#channel ||
      (batch.sequenceBase === 0) !== (number === 0) ||
      place < 0 ||
      place > SEQUENCE_SPAN ||
      time < 0 ||
      time > TIME_SPAN
    ) {
      this.#writer.flush();
      batch.channel = this.#channel;
      batch.sequenceBase = number;
      batch.venueBaseHigh = this.timeHigh;
      batch.venueBaseLow = this.timeLow;
      batch.receiveBaseHigh = this.timeHigh;
      batch.receiveBaseLow = this.timeLow;
      this.#place = 0;
      this.#time = 0;
      return;
    }
    this.#place = place;
    this.#time = time;
  }

  /** An event about an order: its id at `id` of the frame, prices and quantities as halves. `head` is kind and flags. */
  order(
    head: number,
    book: number,
    view: DataView,
    id: number,
    priceHigh: number,
    priceLow: number,
    quantityHigh: number,
    quantityLow: number,
  ): void {
    const events = this.#batch.words;
    const to = this.#batch.count * WORDS;
    events[to] = head | (this.#place << 16);
    events[to + 1] = book;
    events[to + 2] = view.getInt32(id, true);
    events[to + 3] = view.getInt32(id + 4, true);
    events[to + 4] = priceLow;
    events[to + 5] = priceHigh;
    events[to + 6] = quantityLow;
    events[to + 7] = quantityHigh;
    events[to + 8] = this.#time;
    events[to + 9] = this.#time;
    this.#batch.count += 1;
  }

  /** The second record of an execution or print whose payload is at `at`. */
  execution(view: DataView, at: number, priceHigh: number, priceLow: number): void {
    const events = this.#batch.words;
    const to = this.#batch.count * WORDS;
    // 0 is a bid or not known: nothing is said then.
    const side = view.getUint8(at + 24) === 1 ? SIDE_ASK : SIDE_NONE;
    events[to] = EXTENSION | (side << 8);
    events[to + 1] = 0;
    events[to + 2] = 0;
    events[to + 3] = 0;
    events[to + 4] = priceLow;
    events[to + 5] = priceHigh;
    events[to + 6] = view.getInt32(at + 25, true);
    events[to + 7] = view.getInt32(at + 29, true);
    events[to + 8] = 0;
    events[to + 9] = 0;
    this.#batch.count += 1;
  }

  /** An event without an order: `first` stands where the id does. */
  other(head: number, book: number, first: number, quantity: number, price: number): void {
    const events = this.#batch.words;
    const to = this.#batch.count * WORDS;
    events[to] = head | (this.#place << 16);
    events[to + 1] = book;
    events[to + 2] = first | 0;
    events[to + 3] = Math.floor(first / TWO_32);
    events[to + 4] = price;
    events[to + 5] = 0;
    events[to + 6] = quantity | 0;
    events[to + 7] = Math.floor(quantity / TWO_32);
    events[to + 8] = this.#time;
    events[to + 9] = this.#time;
    this.#batch.count += 1;
  }
}
