import type { FrameChunk } from '../bus.ts';
import type { EventHub } from './event-hub.ts';
import { startOf } from './event-log.ts';
import { type EventFraming, Pieces } from './framing.ts';
import { isFirst, isMissed } from './kinds.ts';
import { PIECE_BYTES, type Piece } from './shared-pieces.ts';
import type { Subscription } from './subscription.ts';

/** Pieces up to so many bytes have memory of their own. */
const SMALL_BYTES: number = 1 << 14;

/** Puts events of the log, and others, into the bytes that clients are sent. */
export class PieceMaker {
  readonly #hub: EventHub;
  readonly #framing: EventFraming;
  readonly #pieces: Pieces;
  /** Of the piece at hand: where it has come to, and number of the last event that it has passed. */
  #cursor = 0;
  #lastSeq = 0;

  constructor(hub: EventHub, framing: EventFraming) {
    this.#hub = hub;
    this.#framing = framing;
    this.#pieces = new Pieces(framing.eventsMax);
  }

  /** A piece of what subscriptions want from a cursor on. @param lastSeq number of the last event in front of it. */
  make(from: number, lastSeq: number, subscriptions: readonly Subscription[]): Piece {
    const { log, shared } = this.#hub;
    const framing = this.#framing;
    this.#cursor = from;
    this.#lastSeq = lastSeq;
    const { next } = log;
    const small = this.#smallBytes(from);
    const memory = small === null ? shared.takeMemory() : null;
    const out = memory ?? Buffer.allocUnsafe(small!);
    let events = 0;
    let at = 0;
    while (this.#cursor < log.next && log.missedAt(this.#cursor) === null) {
      const isFull = this.#gather(subscriptions, (memory === null ? SMALL_BYTES : PIECE_BYTES) - at);
      if (this.#pieces.events > 0) {
        at = framing.write(out, at, this.#pieces);
        events += this.#pieces.events;
      }
      if (isFull) break;
    }
    const bytes = out.subarray(0, at);
    return { bytes, memory, from, to: this.#cursor, next, events, lastSeq: this.#lastSeq, users: 0 };
  }

  /** Bytes that all there is from a cursor on needs at most, where that is little; else null. */
  #smallBytes(from: number): number | null {
    const { log } = this.#hub;
    const framing = this.#framing;
    const chunk = log.bus.chunkAt(from)!;
    if (chunk.first + chunk.count !== log.next) return null;
    const events = log.next - from;
    const bytes = chunk.ends[chunk.count - 1]! - startOf(chunk, from - chunk.first);
    // Each event in a frame of its own is the most.
    const room = framing.room(bytes, events) + events * framing.room(0, 0);
    return room <= SMALL_BYTES ? room : null;
  }

  /**
   * Chooses events for one frame and moves the cursor behind them. Whoever has the last event of a frame has all with its
   * number, unless they need more than a frame. @returns whether there was no room for one more.
   */
  #gather(subscriptions: readonly Subscription[], room: number): boolean {
    const { log } = this.#hub;
    const { next } = log;
    const framing = this.#framing;
    const pieces = this.#pieces;
    const from = this.#cursor;
    let cursor = from;
    /** Where the number at hand begins. */
    let start = from;
    let isNumberOver = true;
    let isFull = false;
    let chunk = log.bus.chunkAt(cursor)!;
    pieces.begin();
    for (; cursor < next; cursor += 1) {
      if (cursor === chunk.first + chunk.count) chunk = log.bus.chunkAt(cursor)!;
      const index = cursor - chunk.first;
      const tag = chunk.tags[index]!;
      isNumberOver = isFirst(tag);
      if (isNumberOver) {
        start = cursor;
        pieces.mark();
      }
      if (pieces.events === framing.eventsMax || isMissed(tag)) break;
      const at = startOf(chunk, index);
      const end = chunk.ends[index]!;
      if (!wants(subscriptions, chunk, index, tag)) continue;
      if (framing.room(pieces.bytes + end - at, pieces.events + 1) > room) {
        isFull = true;
        break;
      }
      pieces.add(chunk.bytes, at, end, framing.joins);
    }
    // The log ends between two numbers.
    if (cursor < next && !isNumberOver) {
      if (start > from || (isFull && room < PIECE_BYTES)) {
        pieces.takeBack();
        cursor = start;
      } else pieces.isWhole = false;
    }
    if (cursor > from) this.#lastSeq = log.seqAt(cursor - 1);
    this.#cursor = cursor;
    return isFull;
  }

  /** Events that are not in the log, each with its comma, as element `i` ends at `ends[i]`. */
  join(bytes: Buffer, ends: readonly number[]): Buffer {
    const framing = this.#framing;
    const pieces = this.#pieces;
    const out = Buffer.allocUnsafe(
      framing.room(bytes.length, ends.length) + ends.length * framing.room(0, 1),
    );
    let at = 0;
    for (let from = 0; from < ends.length; from += framing.eventsMax) {
      pieces.begin();
      for (let index = from; index < Math.min(ends.length, from + framing.eventsMax); index += 1) {
        pieces.add(bytes, index === 0 ? 0 : ends[index - 1]!, ends[index]!, framing.joins);
      }
      pieces.isWhole = from + framing.eventsMax >= ends.length;
      at = framing.write(out, at, pieces);
    }
    pieces.clear();
    return out.subarray(0, at);
  }
}

/** Is an event to be sent? Those that are conflated wait. */
function wants(
  subscriptions: readonly Subscription[],
  chunk: FrameChunk,
  index: number,
  tag: number,
): boolean {
  let isWanted = false;
  const cursor = chunk.first + index;
  for (let at = 0; at < subscriptions.length; at += 1) {
    const subscription = subscriptions[at]!;
    if (cursor < subscription.from || !subscription.wants(tag)) continue;
    if (subscription.options.conflateMs === 0) isWanted = true;
    else subscription.keep(tag, chunk.bytes.subarray(startOf(chunk, index), chunk.ends[index]!));
  }
  return isWanted;
}
