import { mix2 } from '../binary/hash-index.ts';
import { Random } from '../binary/random.ts';
import { LineLedger, type PacketFate } from './line-ledger.ts';
import type { PacketShape } from './packet-shape.ts';

/** What goes wrong on a line; shares of its packets, 0 … 1. */
export interface Impairments {
  readonly loss: number;
  /** Mean number of packets that are lost in a row. */
  readonly lossBurst: number;
  readonly duplicates: number;
  readonly reorder: number;
  /** A packet that is late, or the second copy of one, comes at most so many packets later. */
  readonly reorderDepth: number;
  /** How much later than it was sent everything arrives, ns. */
  readonly skewNs: number;
  readonly corrupt: number;
  /** What corruption hits: what the packet is cut by, so that a reader sees it, or the inside of a message. */
  readonly corruptPart: 'framing' | 'message';
}

export const PERFECT: Impairments = {
  loss: 0,
  lossBurst: 1,
  duplicates: 0,
  reorder: 0,
  reorderDepth: 4,
  skewNs: 0,
  corrupt: 0,
  corruptPart: 'framing',
};

/** Takes packets as they arrive: the payload is valid until it returns, `time` is ns since midnight. */
export type PacketSink = (payload: Uint8Array, time: number) => void;

/** A copy on its way. */
interface Held {
  readonly payload: Uint8Array;
  readonly fate: PacketFate;
  /** Packets that still come before it. */
  wait: number;
}

/**
 * What lies between the sender of a line and the capture: loses, doubles, delays and damages packets, each by
 * numbers drawn for that alone, so that turning one up leaves the others where they were. Arrival times never fall.
 */
export class ImpairedWire {
  readonly ledger: LineLedger;
  readonly #impairments: Impairments;
  readonly #shape: PacketShape;
  readonly #sink: PacketSink;
  readonly #lossDraw: Random;
  readonly #duplicateDraw: Random;
  readonly #reorderDraw: Random;
  readonly #corruptDraw: Random;
  readonly #scratch: Uint8Array = new Uint8Array(0xffff);
  #held: Held[] = [];
  #losing = false;
  #time = 0;

  constructor(seed: number, impairments: Impairments, shape: PacketShape, sink: PacketSink) {
    this.#impairments = impairments;
    this.#shape = shape;
    this.ledger = new LineLedger(shape);
    this.#sink = sink;
    this.#lossDraw = new Random(mix2(seed, 1));
    this.#duplicateDraw = new Random(mix2(seed, 2));
    this.#reorderDraw = new Random(mix2(seed, 3));
    this.#corruptDraw = new Random(mix2(seed, 4));
  }

  /**
   * Sends a packet with the numbers `first` … `first + count − 1` (count 0: it names `first` as the next one) and so many
   * messages. `time` is ns since midnight.
   */
  send(payload: Uint8Array, first: number, count: number, messages: number, time: number): void {
    const { duplicates, reorder, skewNs } = this.#impairments;
    const { ledger } = this;
    ledger.sent += 1;
    if (this.#isLost()) {
      ledger.lost += 1;
      ledger.missing(payload, first, count, messages);
      this.#release();
      return;
    }
    const doubled = duplicates > 0 && this.#duplicateDraw.unit() < duplicates;
    const late = reorder > 0 && this.#reorderDraw.unit() < reorder;
    this.#arriveAt(time + skewNs);
    if (!doubled && !late) {
      if (this.#emit(payload, first, count, messages)) ledger.shown(first, count, messages);
      else ledger.missing(payload, first, count, messages);
      this.#release();
      return;
    }
    const fate: PacketFate = { first, count, messages, copies: doubled ? 2 : 1, shown: false };
    const copy = payload.slice();
    if (!late) this.#deliver(copy, fate);
    this.#release();
    if (late) {
      ledger.reordered += 1;
      this.#hold(copy, fate, this.#reorderDraw);
    }
    if (doubled) {
      ledger.duplicated += 1;
      this.#hold(copy, fate, this.#duplicateDraw);
    }
  }

  /** Everything was sent: what is still on its way arrives. */
  finish(): void {
    while (this.#held.length > 0) this.#release();
  }

  #isLost(): boolean {
    const { loss, lossBurst } = this.#impairments;
    if (loss === 0) return false;
    const draw = this.#lossDraw.unit();
    if (lossBurst <= 1 || loss >= 1) return draw < loss;
    // Two states (Gilbert, 1960): bursts of the wanted mean, as many that the share comes out.
    this.#losing = this.#losing ? draw >= 1 / lossBurst : draw < loss / (lossBurst * (1 - loss));
    return this.#losing;
  }

  #hold(payload: Uint8Array, fate: PacketFate, random: Random): void {
    this.#held.push({ payload, fate, wait: 1 + random.below(this.#impairments.reorderDepth) });
  }

  /** One more packet has passed: what has waited long enough follows it. */
  #release(): void {
    if (this.#held.length === 0) return;
    const due: Held[] = [];
    const rest: Held[] = [];
    for (const held of this.#held) {
      held.wait -= 1;
      (held.wait <= 0 ? due : rest).push(held);
    }
    this.#held = rest;
    for (const { payload, fate } of due) {
      this.#arriveAt(this.#time + 1);
      this.#deliver(payload, fate);
    }
  }

  #arriveAt(time: number): void {
    if (time > this.#time) this.#time = time;
  }

  /** One copy of a packet arrives. */
  #deliver(payload: Uint8Array, fate: PacketFate): void {
    const { first, count, messages } = fate;
    fate.copies -= 1;
    if (this.#emit(payload, first, count, messages)) {
      if (fate.shown) this.ledger.shownAgain(count);
      else this.ledger.shown(first, count, messages);
      fate.shown = true;
    } else if (fate.copies === 0 && !fate.shown) this.ledger.missing(payload, first, count, messages);
  }

  /** Hands a copy over, damaged perhaps. @returns whether its numbers can be read. */
  #emit(payload: Uint8Array, first: number, count: number, messages: number): boolean {
    const { corrupt, corruptPart } = this.#impairments;
    const { ledger } = this;
    ledger.written += 1;
    if (corrupt === 0 || this.#corruptDraw.unit() >= corrupt) {
      this.#sink(payload, this.#time);
      return true;
    }
    const inside = corruptPart === 'message' && messages > 0;
    const offset = inside
      ? this.#shape.byteInside(payload, messages, this.#corruptDraw)
      : this.#shape.framingByte(messages);
    const mask = inside ? 1 << this.#corruptDraw.below(8) : 0x80;
    const scratch = this.#scratch;
    scratch.set(payload);
    scratch[offset] ^= mask;
    const numbers = count === 0 ? null : { from: first, to: first + count - 1 };
    ledger.corruptions.push({ packet: ledger.written, messages: numbers, offset, mask });
    this.#sink(scratch.subarray(0, payload.length), this.#time);
    return inside;
  }
}
