import { countsByName, type PacketShape } from './packet-shape.ts';

/** Numbers `from` … `to`, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** A damaged copy of a packet. */
export interface Corruption {
  /** Number of the packet in the file, from 1. */
  readonly packet: number;
  /** Its numbers; null for a packet without any. */
  readonly messages: NumberRange | null;
  /** Byte of the UDP payload, and the bits of it that were turned. */
  readonly offset: number;
  readonly mask: number;
}

/** A packet of which more than one copy exists, or one that comes later. */
export interface PacketFate {
  readonly first: number;
  /** How many numbers it has. */
  readonly count: number;
  readonly messages: number;
  /** Copies that have not come yet. */
  copies: number;
  shown: boolean;
}

/**
 * What one line carried and what it did not, kept while it is written. Counts of packets, unless said otherwise;
 * numbers are those that the feed gives: to each message, or to each packet.
 */
export class LineLedger {
  /** Packets before anything happened to them; heartbeats and ends of session are among them. */
  sent = 0;
  heartbeats = 0;
  /** Packets in the file. */
  written = 0;
  lost = 0;
  duplicated = 0;
  reordered = 0;
  /** Messages that came at least once in a whole packet. */
  messages = 0;
  /** Numbers that came again, and numbers that came after a higher one was seen or named. */
  duplicateNumbers = 0;
  outOfOrderNumbers = 0;
  readonly corruptions: Corruption[] = [];
  /** One above the highest number seen or named on the line. */
  highest = 1;
  readonly #missing: NumberRange[] = [];
  /** Per type: messages that never came. */
  readonly missingByType: Float64Array;
  readonly #shape: PacketShape;

  constructor(shape: PacketShape) {
    this.#shape = shape;
    this.missingByType = new Float64Array(shape.typeCount);
  }

  /** The messages that never came, by the names of their types. */
  missingByName(): Record<string, number> {
    return countsByName(this.#shape, this.missingByType);
  }

  /** A whole copy of numbers that were not shown before has come. */
  shown(first: number, count: number, messages: number): void {
    this.messages += messages;
    if (first < this.highest) this.outOfOrderNumbers += count;
    this.named(first + count);
  }

  shownAgain(count: number): void {
    this.duplicateNumbers += count;
  }

  /** A heartbeat or end of session has named the next number. */
  named(next: number): void {
    if (next > this.highest) this.highest = next;
  }

  /** No whole copy of a packet has come or will come. */
  missing(payload: Uint8Array, first: number, count: number, messages: number): void {
    if (count === 0) return;
    this.#shape.tally(payload, messages, this.missingByType);
    this.#missing.push({ from: first, to: first + count - 1 });
  }

  /** Numbers that never came, ascending; neighbours joined. */
  lostRanges(): NumberRange[] {
    const joined: NumberRange[] = [];
    for (const range of this.#missing.toSorted((a, b) => a.from - b.from)) {
      const before = joined.at(-1);
      if (before !== undefined && before.to + 1 === range.from) {
        joined[joined.length - 1] = { from: before.from, to: range.to };
      } else joined.push(range);
    }
    return joined;
  }

  /** What came, of the numbers 1 … `last`. */
  carriedRanges(last: number): NumberRange[] {
    const carried: NumberRange[] = [];
    let from = 1;
    for (const range of this.lostRanges()) {
      if (range.from > from) carried.push({ from, to: range.from - 1 });
      from = range.to + 1;
    }
    if (from <= last) carried.push({ from, to: last });
    return carried;
  }
}
