import { copyBytes } from '../binary/copy-bytes.ts';
import type { EventBatch } from '../event/batch.ts';
import { RECORD_BYTES, RECORD_WORDS } from '../event/record.ts';

/*
 * Ring between the thread that makes events and the one that writes the journal: one producer, one consumer, slots of
 * the size of an event record. A message is a slot that says what comes, and the slots that it has behind it, all in one
 * piece; where a message does not fit in front of the end, the rest of the ring is skipped.
 *
 *     head of the memory, 32-bit words: 0 slots put · 16 slots given back · 32 the consumer sleeps · 48 the producer does
 *     first slot of a message:          0 its slots · 1 kind · 2 channel, or bytes · 3 records · 4 and 5 sequence base ·
 *                                       6 and 7 venue time base · 8 and 9 receive time base, low halves first
 */

/** What a message is; kinds beyond RING_EVENTS are the user's, and carry bytes. */
const RING_SKIP = 1;
export const RING_EVENTS = 2;

const PUT = 0;
const GIVEN_BACK = 16;
const CONSUMER_SLEEPS = 32;
const PRODUCER_SLEEPS = 48;
const HEAD_WORDS = 64;
const TWO_32 = 4294967296;

export class JournalRing {
  readonly memory: SharedArrayBuffer;
  readonly slots: number;
  /** Consumer: the message at hand. Its events are in the records `from` … `to − 1` of `batch`. */
  readonly batch: EventBatch;
  from = 0;
  to = 0;
  /** Consumer: bytes of the message at hand, valid until it is given back. */
  bytes: Uint8Array = new Uint8Array(0);
  readonly #head: Int32Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  /** Producer: slots put, and given back as last seen. */
  #put: number;
  #seenBack: number;
  /** Producer: the records of the last batch, and their bytes. */
  #source: Int32Array | null = null;
  #sourceBytes: Uint8Array = new Uint8Array(0);
  /** Consumer: slots taken, and put as last seen. */
  #taken: number;
  #seenPut: number;
  #messageSlots = 0;

  /** @param slots a power of two. */
  constructor(slots: number, memory: SharedArrayBuffer | null = null) {
    if (slots < 8 || (slots & (slots - 1)) !== 0) {
      throw new RangeError(`a ring of ${slots} slots, a power of two was expected`);
    }
    this.slots = slots;
    this.memory = memory ?? new SharedArrayBuffer(HEAD_WORDS * 4 + slots * RECORD_BYTES);
    this.#head = new Int32Array(this.memory, 0, HEAD_WORDS);
    this.#words = new Int32Array(this.memory, HEAD_WORDS * 4);
    this.#bytes = new Uint8Array(this.memory, HEAD_WORDS * 4);
    this.#put = Atomics.load(this.#head, PUT);
    this.#seenBack = Atomics.load(this.#head, GIVEN_BACK);
    this.#taken = this.#seenBack;
    this.#seenPut = this.#put;
    this.batch = {
      capacity: slots,
      words: this.#words,
      count: 0,
      channel: 0,
      firstEvent: 0,
      sequenceBase: 0,
      venueBaseHigh: 0,
      venueBaseLow: 0,
      receiveBaseHigh: 0,
      receiveBaseLow: 0,
    };
  }

  /** Records, or slots' worth of bytes, that a message can have at most. */
  get messageMax(): number {
    return this.slots / 4;
  }

  /** Slots that are put and not given back, as either side sees it. */
  get used(): number {
    return (Atomics.load(this.#head, PUT) - Atomics.load(this.#head, GIVEN_BACK)) | 0;
  }

  /** Producer: copies the records `from` … `to − 1` of a batch, at most `messageMax`. @returns false when there is no room. */
  putEvents(batch: EventBatch, from: number, to: number): boolean {
    const records = to - from;
    const slot = this.#reserve(1 + records);
    if (slot < 0) return false;
    const words = this.#words;
    const at = slot * RECORD_WORDS;
    words[at] = 1 + records;
    words[at + 1] = RING_EVENTS;
    words[at + 2] = batch.channel;
    words[at + 3] = records;
    words[at + 4] = batch.sequenceBase | 0;
    words[at + 5] = (batch.sequenceBase / TWO_32) | 0;
    words[at + 6] = batch.venueBaseLow;
    words[at + 7] = batch.venueBaseHigh;
    words[at + 8] = batch.receiveBaseLow;
    words[at + 9] = batch.receiveBaseHigh;
    const source = this.#bytesOf(batch.words);
    copyBytes(source, from * RECORD_BYTES, records * RECORD_BYTES, this.#bytes, (slot + 1) * RECORD_BYTES);
    this.#publish(1 + records);
    return true;
  }

  /** Producer: copies bytes as a message of a kind. @returns false when there is no room. */
  putBytes(kind: number, bytes: Uint8Array): boolean {
    const slots = 1 + Math.ceil(bytes.length / RECORD_BYTES);
    const slot = this.#reserve(slots);
    if (slot < 0) return false;
    const words = this.#words;
    const at = slot * RECORD_WORDS;
    words[at] = slots;
    words[at + 1] = kind;
    words[at + 2] = bytes.length;
    this.#bytes.set(bytes, (slot + 1) * RECORD_BYTES);
    this.#publish(slots);
    return true;
  }

  /** Producer: sleeps until something is given back, at most so long. */
  waitForRoom(ms: number): void {
    const head = this.#head;
    Atomics.store(head, PRODUCER_SLEEPS, 1);
    if (Atomics.load(head, GIVEN_BACK) === this.#seenBack) {
      Atomics.wait(head, GIVEN_BACK, this.#seenBack, ms);
    }
    Atomics.store(head, PRODUCER_SLEEPS, 0);
  }

  /** Consumer: goes on to the next message. @returns its kind, 0 when there is none. */
  next(): number {
    for (;;) {
      if (this.#taken === this.#seenPut) {
        this.#seenPut = Atomics.load(this.#head, PUT);
        if (this.#taken === this.#seenPut) return 0;
      }
      const slot = this.#taken & (this.slots - 1);
      const at = slot * RECORD_WORDS;
      const words = this.#words;
      this.#messageSlots = words[at]!;
      const kind = words[at + 1]!;
      if (kind === RING_SKIP) this.giveBack();
      else {
        if (kind === RING_EVENTS) this.#open(at, slot);
        else this.bytes = this.#bytes.subarray((slot + 1) * RECORD_BYTES).subarray(0, words[at + 2]!);
        return kind;
      }
    }
  }

  /** Consumer: gives the room of the message at hand back. */
  giveBack(): void {
    const head = this.#head;
    this.#taken = (this.#taken + this.#messageSlots) | 0;
    Atomics.store(head, GIVEN_BACK, this.#taken);
    if (Atomics.load(head, PRODUCER_SLEEPS) !== 0) Atomics.notify(head, GIVEN_BACK);
  }

  /** Consumer: sleeps until something is put, at most so long. */
  wait(ms: number): void {
    const head = this.#head;
    Atomics.store(head, CONSUMER_SLEEPS, 1);
    if (Atomics.load(head, PUT) === this.#seenPut) Atomics.wait(head, PUT, this.#seenPut, ms);
    Atomics.store(head, CONSUMER_SLEEPS, 0);
  }

  /** Wakes the consumer: something else than a message waits for it. */
  wake(): void {
    Atomics.notify(this.#head, PUT);
  }

  #open(at: number, slot: number): void {
    const { batch } = this;
    const words = this.#words;
    batch.channel = words[at + 2]!;
    this.from = slot + 1;
    this.to = slot + 1 + words[at + 3]!;
    batch.count = this.to;
    batch.sequenceBase = words[at + 5]! * TWO_32 + (words[at + 4]! >>> 0);
    batch.venueBaseLow = words[at + 6]!;
    batch.venueBaseHigh = words[at + 7]!;
    batch.receiveBaseLow = words[at + 8]!;
    batch.receiveBaseHigh = words[at + 9]!;
  }

  /** @returns the slot where a message of so many begins, −1 when there is no room. */
  #reserve(slots: number): number {
    const { slots: capacity } = this;
    if (slots > capacity / 4 + 1)
      throw new RangeError(`a message of ${slots} slots in a ring of ${capacity}`);
    const slot = this.#put & (capacity - 1);
    const skipped = slot + slots > capacity ? capacity - slot : 0;
    if (capacity - ((this.#put - this.#seenBack) | 0) < skipped + slots) {
      this.#seenBack = Atomics.load(this.#head, GIVEN_BACK);
      if (capacity - ((this.#put - this.#seenBack) | 0) < skipped + slots) return -1;
    }
    if (skipped === 0) return slot;
    this.#words[slot * RECORD_WORDS] = skipped;
    this.#words[slot * RECORD_WORDS + 1] = RING_SKIP;
    this.#publish(skipped);
    return 0;
  }

  /** The records as bytes; the batch is one and the same all the time. */
  #bytesOf(words: Int32Array): Uint8Array {
    if (words !== this.#source) {
      this.#source = words;
      this.#sourceBytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    }
    return this.#sourceBytes;
  }

  #publish(slots: number): void {
    const head = this.#head;
    this.#put = (this.#put + slots) | 0;
    Atomics.store(head, PUT, this.#put);
    if (Atomics.load(head, CONSUMER_SLEEPS) !== 0) Atomics.notify(head, PUT);
  }
}
