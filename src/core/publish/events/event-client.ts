import type { FrameChunk } from '../bus.ts';
import type { BookEvents, EventHub, HubClient } from './event-hub.ts';
import { startOf } from './event-log.ts';
import { type EventFraming, Pieces } from './framing.ts';
import { isFirst, isMissed } from './kinds.ts';
import { PIECE_BYTES, type Piece } from './shared-pieces.ts';
import { Subscription } from './subscription.ts';

/** Where the bytes of a client go: a WebSocket, or a stream over HTTP. */
export interface EventPort {
  readonly isOpen: boolean;
  readonly pendingBytes: number;
  /** The bytes must stay what they are until `taken` is called. */
  write(bytes: Buffer, taken?: () => void): void;
}

/** Cursor of a subscription that is still behind what is kept. */
const NOT_YET: number = Number.MAX_SAFE_INTEGER;

/** Pieces up to so many bytes have memory of their own. */
const SMALL_BYTES: number = 1 << 14;

/** Bytes that may be pending for a client of a WebSocket before it is not written to. */
export const PENDING_BYTES: number = 1 << 19;

/**
 * One client: a place in the log, and what it wants of what comes there. It is told in order what it has lost, and goes
 * on; where it asked for that, with the books as they are then.
 */
export class EventClient implements HubClient {
  readonly subscriptions: Subscription[] = [];
  events = 0;
  /** Numbers of events that it was told it did not get. */
  skipped = 0;
  /** Bytes of answers that it has not taken yet. */
  answerBytes = 0;
  readonly #hub: EventHub;
  readonly #port: EventPort;
  readonly #framing: EventFraming;
  readonly #pieces: Pieces;
  readonly #pendingMax: number;
  #cursor: number;
  /** Number of the last event that it has passed. */
  #lastSeq: number;
  /** By what others are sent the same; null: nobody is. */
  #key: string | null = null;
  /** What reads for it what is no longer kept. */
  #past: EventClient | null = null;

  /** @param pendingMax bytes that may wait for it before it is not written to. */
  constructor(hub: EventHub, port: EventPort, framing: EventFraming, pendingMax: number = PENDING_BYTES) {
    this.#hub = hub;
    this.#port = port;
    this.#pendingMax = pendingMax;
    this.#framing = framing;
    this.#pieces = new Pieces(framing.eventsMax);
    this.#cursor = hub.log.next;
    this.#lastSeq = hub.log.lastSeq;
  }

  /** Events that it is behind. */
  get lag(): number {
    return this.#hub.log.next - this.#cursor;
  }

  /** Adds a subscription that begins now, with the books where it wants them. @returns false: the books are too much. */
  begin(subscription: Subscription): boolean {
    subscription.from = this.#hub.log.next;
    this.#add(subscription);
    return !subscription.options.snapshot || this.#sendBooks(subscription);
  }

  /** Adds a subscription that goes on behind an event of the same history. */
  resume(subscription: Subscription, seq: number): void {
    subscription.from = NOT_YET;
    this.#add(subscription);
    this.#goOn(subscription, seq);
  }

  remove(subscription: Subscription): void {
    const at = this.subscriptions.indexOf(subscription);
    if (at >= 0) this.subscriptions.splice(at, 1);
    this.#changed();
  }

  #add(subscription: Subscription): void {
    this.subscriptions.push(subscription);
    this.#changed();
  }

  #changed(): void {
    const [only, ...others] = this.subscriptions;
    const { name } = this.#framing;
    const isPlain = only !== undefined && others.length === 0 && only.options.conflateMs === 0;
    this.#key = isPlain && name !== undefined ? `${name} ${only.options.filter.key}` : null;
    this.#hub.changed();
  }

  control(type: string, data: object): void {
    const bytes = this.#framing.control(type, data);
    this.answerBytes += bytes.length;
    this.#port.write(bytes, () => {
      this.answerBytes -= bytes.length;
    });
  }

  /** Writes what there is for it, as far as it takes it. */
  pump(): void {
    const { log } = this.#hub;
    this.#past?.pump();
    while (this.#port.isOpen) {
      const sends = this.subscriptions.some(({ options }) => options.conflateMs === 0);
      if (sends && this.#port.pendingBytes >= this.#pendingMax) return;
      if (this.#cursor < log.oldest) this.#lose();
      if (this.#cursor >= log.next) {
        this.#lastSeq = log.lastSeq;
        return;
      }
      const missed = log.missedAt(this.#cursor);
      if (this.subscriptions.length === 0) this.#cursor = log.next;
      else if (missed !== null) this.#pass(missed.behind, missed.to);
      else this.#write();
    }
  }

  /** Sends the latest values that a subscription has gathered. */
  sendLatest(subscription: Subscription): void {
    const { latest } = subscription;
    if (latest.size === 0 || this.#port.pendingBytes >= this.#pendingMax) return;
    const bytes = Buffer.concat([...latest.values()]);
    let end = 0;
    const ends = Array.from(latest.values(), (text) => {
      end += text.length;
      return end;
    });
    latest.clear();
    this.sendEvents(bytes, ends);
  }

  /** Sends events that are not in the log, each with its comma. */
  sendEvents(bytes: Buffer, ends: readonly number[], taken?: () => void): void {
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
    this.events += ends.length;
    this.#port.write(out.subarray(0, at), taken);
  }

  /** Lets a subscription go on behind an event, over what is made anew where it is no longer kept. */
  #goOn(subscription: Subscription, seq: number): void {
    const { log } = this.#hub;
    const { filter, conflateMs } = subscription.options;
    const complete = log.completeAfter(filter.kinds);
    const past = seq < complete && conflateMs === 0 && this.#past === null ? this.#hub.enterPast() : null;
    if (past !== null) {
      void this.#readPast(past, subscription, seq);
      return;
    }
    // Whoever is there already has had what is in front of its place.
    for (const other of this.subscriptions) {
      if (other !== subscription) other.from = Math.max(other.from, this.#cursor);
    }
    subscription.from = log.after(Math.max(seq, complete));
    if (seq < complete) this.#miss(subscription, seq, complete);
    if (subscription.from >= this.#cursor) return;
    this.#cursor = subscription.from;
    this.#lastSeq = Math.max(seq, complete);
  }

  /** What is behind an event up to another is gone for a subscription. */
  #miss(subscription: Subscription, seq: number, complete: number): void {
    this.#tellLost(subscription, seq, complete + 1);
    if (!subscription.options.snapshot) return;
    subscription.from = this.#hub.log.next;
    this.#sendBooks(subscription);
  }

  /** Sends what is made anew in another hub, as a client of that one, and goes on behind it. */
  async #readPast(hub: EventHub, subscription: Subscription, seq: number): Promise<void> {
    const past = new EventClient(hub, this.#port, this.#framing, this.#pendingMax);
    const options = { ...subscription.options, snapshot: false };
    const same = new Subscription(options, hub.log.topics, 0);
    same.skipped = subscription.skipped;
    past.subscriptions.push(same);
    past.#lastSeq = seq;
    hub.log.skipTo(seq);
    hub.join(past);
    this.#past = past;
    const isWanted = (): boolean => this.#port.isOpen && this.subscriptions.includes(subscription);
    // What does not come is told as lost.
    await this.#hub.past!.replay(hub, seq, this.#hub.log.lastSeq, isWanted);
    this.#hub.leavePast();
    this.#past = null;
    this.events += past.events;
    this.skipped += past.skipped;
    subscription.skipped = same.skipped;
    if (!isWanted()) return;
    if (past.#lastSeq > seq) this.#goOn(subscription, past.#lastSeq);
    else {
      const complete = this.#hub.log.completeAfter(subscription.options.filter.kinds);
      subscription.from = this.#hub.log.after(complete);
      this.#miss(subscription, seq, complete);
    }
    this.pump();
  }

  /** Writes a piece of what is wanted from the cursor on: one for all who are there and want the same. */
  #write(): void {
    const { log, shared } = this.#hub;
    const isAlone = this.#key === null || this.subscriptions[0]!.from > this.#cursor;
    const key = isAlone ? null : this.#key;
    let piece = key === null ? null : shared.find(key, this.#cursor, log.next);
    if (piece === null) {
      piece = this.#make();
      if (key !== null) shared.keep(key, piece);
    }
    this.#cursor = piece.to;
    this.#lastSeq = piece.lastSeq;
    this.events += piece.events;
    piece.users += 1;
    const own = piece;
    if (piece.bytes.length === 0) shared.letGo(own);
    else this.#port.write(piece.bytes, () => shared.letGo(own));
  }

  #make(): Piece {
    const { log, shared } = this.#hub;
    const framing = this.#framing;
    const from = this.#cursor;
    const { next } = log;
    const small = this.#smallBytes(from);
    const memory = small === null ? shared.takeMemory() : null;
    const out = memory ?? Buffer.allocUnsafe(small!);
    let events = 0;
    let at = 0;
    while (this.#cursor < log.next && log.missedAt(this.#cursor) === null) {
      const isFull = this.#gather((memory === null ? SMALL_BYTES : PIECE_BYTES) - at);
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
  #gather(room: number): boolean {
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
      if (!this.#wants(chunk, index, tag, at, end)) continue;
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

  /** Is an event to be sent? Those that are conflated wait. */
  #wants(chunk: FrameChunk, index: number, tag: number, start: number, end: number): boolean {
    let wants = false;
    const cursor = chunk.first + index;
    for (let at = 0; at < this.subscriptions.length; at += 1) {
      const subscription = this.subscriptions[at]!;
      if (cursor < subscription.from || !subscription.wants(tag)) continue;
      if (subscription.options.conflateMs === 0) wants = true;
      else subscription.keep(tag, chunk.bytes.subarray(start, end));
    }
    return wants;
  }

  /** What comes next is no longer kept: says so, and goes on where the log begins. */
  #lose(): void {
    const { log } = this.#hub;
    const oldest = log.oldestWhole();
    const next = oldest === log.next ? log.lastSeq + 1 : log.seqAt(oldest);
    const last = this.#lastSeq;
    let cursor = this.subscriptions.length === 0 ? log.next : Number.POSITIVE_INFINITY;
    for (const subscription of this.subscriptions) {
      if (subscription.from < oldest && next > last + 1) this.#tellLost(subscription, last, next);
      if (subscription.from < oldest && subscription.options.snapshot) {
        subscription.from = log.next;
        subscription.latest.clear();
        this.#sendBooks(subscription);
      }
      cursor = Math.min(cursor, Math.max(oldest, Math.min(subscription.from, log.next)));
    }
    this.#cursor = cursor;
    this.#lastSeq = cursor === log.next ? log.lastSeq : log.seqAt(cursor) - 1;
  }

  /** The events behind one number up to another were never here: says so, and goes on behind them. */
  #pass(behind: number, to: number): void {
    const { log } = this.#hub;
    const last = Math.max(this.#lastSeq, behind);
    for (const subscription of this.subscriptions) {
      if (subscription.from > this.#cursor || last >= to) continue;
      this.#tellLost(subscription, last, to + 1);
      if (!subscription.options.snapshot) continue;
      subscription.from = log.next;
      subscription.latest.clear();
      this.#sendBooks(subscription);
    }
    this.#cursor += 1;
    this.#lastSeq = Math.max(last, to);
  }

  #tellLost(subscription: Subscription, last: number, next: number): void {
    const skipped = next - last - 1;
    subscription.skipped += skipped;
    this.skipped += skipped;
    this.control('lagged', {
      ...(subscription.options.sub === null ? {} : { sub: subscription.options.sub }),
      skipped: String(skipped),
      skipped_total: String(subscription.skipped),
      next_seq: String(next),
    });
  }

  #sendBooks(subscription: Subscription): boolean {
    const { log } = this.#hub;
    const taken = this.#hub.takeBooks(subscription);
    const events: BookEvents = taken ?? { bytes: Buffer.alloc(0), ends: [], books: 0 };
    const { sub } = subscription.options;
    if (taken === null) {
      const message = 'the books are more than can be sent now: name instruments, or ask later';
      this.control('error', {
        code: 'snapshot',
        message,
        request: 'Subscribe',
        ...(sub === null ? {} : { sub }),
      });
      return false;
    }
    this.control('snapshot', {
      ...(sub === null ? {} : { sub }),
      seq: String(log.lastSeq),
      books: events.books,
      events: events.ends.length,
    });
    if (events.ends.length === 0) this.#hub.letGo(events.bytes.length);
    else this.sendEvents(events.bytes, events.ends, () => this.#hub.letGo(events.bytes.length));
    return true;
  }
}
