import type { EventHub, HubClient } from './event-hub.ts';
import type { EventFraming } from './framing.ts';
import { PieceMaker } from './piece-maker.ts';
import { Subscription } from './subscription.ts';

/** Where the bytes of a client go: a WebSocket, or a stream over HTTP. */
export interface EventPort {
  readonly isOpen: boolean;
  readonly pendingBytes: number;
  /** The bytes must stay what they are until `taken` is called. */
  write(bytes: Buffer, taken?: () => void): void;
}

/** Bytes that it writes before others have their turn. */
const STRETCH_BYTES: number = 1 << 17;
/** Cursor of a subscription that is still behind what is kept. */
const NOT_YET: number = Number.MAX_SAFE_INTEGER;

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
  readonly #maker: PieceMaker;
  readonly #pendingMax: number;
  #cursor: number;
  /** Bytes of events so far. */
  #written = 0;
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
    this.#maker = new PieceMaker(hub, framing);
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
    this.#sendNames(subscription);
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

  /** Few events wait for what is under way and go together: each write costs memory and time, however small. */
  wake(): void {
    if (this.#port.pendingBytes === 0 || this.lag >= this.#framing.eventsMax) this.takeTurn();
  }

  /** It can take more: now, or when it is its turn. */
  takeTurn(): void {
    if (!this.#hub.turns.has(this)) this.pump();
  }

  /** Writes what there is for it, as far as it takes it; but no more than a stretch, unless it is the last time. */
  pump(isLast = false): void {
    const { log, turns } = this.#hub;
    this.#past?.pump(isLast);
    let stretchEnd = isLast ? Number.POSITIVE_INFINITY : this.#written + STRETCH_BYTES;
    while (this.#port.isOpen) {
      const sends = this.subscriptions.some(({ options }) => options.conflateMs === 0);
      if (sends && this.#port.pendingBytes >= this.#pendingMax) return;
      if (this.#cursor < log.oldest) this.#lose();
      if (this.#cursor >= log.next) {
        this.#lastSeq = log.lastSeq;
        return;
      }
      if (this.#written >= stretchEnd) {
        if (!turns.hasTime) {
          turns.wait(this);
          return;
        }
        stretchEnd += STRETCH_BYTES;
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
    this.events += ends.length;
    this.#port.write(this.#maker.join(bytes, ends), taken);
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
    await this.#hub.past!.replay(hub, seq, this.#hub.log.lastSeq, isWanted, this.#framing.protocol);
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
      piece = this.#maker.make(this.#cursor, this.#lastSeq, this.subscriptions);
      if (key !== null) shared.keep(key, piece);
    }
    this.#cursor = piece.to;
    this.#lastSeq = piece.lastSeq;
    this.events += piece.events;
    piece.users += 1;
    const own = piece;
    this.#written += piece.bytes.length;
    if (piece.bytes.length === 0) shared.letGo(own);
    else this.#port.write(piece.bytes, () => shared.letGo(own));
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
    this.#sendNames(subscription);
  }

  /** What books are called is not in what comes about them: it is said in front, and again behind a loss. */
  #sendNames(subscription: Subscription): void {
    const names = this.#hub.books?.names?.(subscription);
    if (names === undefined || names.ends.length === 0) return;
    const { length } = names.bytes;
    this.answerBytes += length;
    this.sendEvents(names.bytes, names.ends, () => {
      this.answerBytes -= length;
    });
  }

  #sendBooks(subscription: Subscription): boolean {
    const { log, books, underWay } = this.#hub;
    const { sub, filter } = subscription.options;
    const { name } = this.#framing;
    const sent = underWay.take(
      name === undefined ? '' : `${name} ${log.lastSeq} ${log.topics.version} ${filter.key}`,
      (bytesMax) => books?.take(subscription, bytesMax) ?? null,
      (bytes, ends) => this.#maker.join(bytes, ends),
    );
    if (sent === null) {
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
      books: sent.books,
      events: sent.events,
    });
    this.events += sent.events;
    if (sent.events === 0) underWay.letGo(sent);
    else this.#port.write(sent.bytes, () => underWay.letGo(sent));
    return true;
  }
}
