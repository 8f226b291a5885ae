import { EventLog, type EventLogLimits } from './event-log.ts';
import type { Subscription } from './subscription.ts';

export interface EventHubOptions extends EventLogLimits {
  readonly batchMax: number;
  readonly recentEvents: number;
}

/** A client as the hub knows it. */
export interface HubClient {
  readonly subscriptions: readonly Subscription[];
  readonly events: number;
  readonly skipped: number;
  readonly lag: number;
  /** There may be something to send. */
  pump(): void;
}

/** Events that say what the books are, as elements with commas: element `i` ends at `ends[i]`. */
export interface BookEvents {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  readonly books: number;
}

/** Who knows the books. */
export interface BookSource {
  /**
   * The books that a subscription takes, as they are behind the last event. Null where they need more than so many bytes.
   */
  take(subscription: Subscription, bytesMax: number): BookEvents | null;
}

/** Bytes that are written at a time. */
export const PIECE_BYTES: number = 1 << 17;
const PIECES_KEPT = 32;
/** What all books that were asked for may need while clients have not taken them. */
const BOOK_BYTES_MAX: number = 64 * 1024 * 1024;

/** What all clients of events share: the log, memory to write from, and what is known of the run. */
export class EventHub {
  readonly log: EventLog;
  readonly options: EventHubOptions;
  readonly clients: Set<HubClient> = new Set();
  /** Name of the history that numbers of events are of; null before the first. */
  run: string | null = null;
  books: BookSource | null = null;
  /** Events that had no form, by why. */
  formless = 0;
  /** Events to clients that are gone. */
  #sentBefore = 0;
  #skippedBefore = 0;
  #bookBytes = 0;
  readonly #pieces: Buffer[] = [];

  constructor(options: EventHubOptions) {
    this.options = options;
    this.log = new EventLog(options);
  }

  wake(): void {
    for (const client of this.clients) client.pump();
  }

  join(client: HubClient): void {
    this.clients.add(client);
    this.changed();
  }

  leave(client: HubClient): void {
    if (!this.clients.delete(client)) return;
    this.#sentBefore += client.events;
    this.#skippedBefore += client.skipped;
    this.#want(true);
  }

  /** Somebody wants something else than before. */
  changed(): void {
    this.#want(false);
  }

  #want(lingers: boolean): void {
    let kinds = 0;
    for (const { subscriptions } of this.clients) {
      for (const { options } of subscriptions) kinds |= options.filter.kinds;
    }
    this.log.made.want(kinds, this.log.lastSeq, lingers);
  }

  get sent(): number {
    let sent = this.#sentBefore;
    for (const { events } of this.clients) sent += events;
    return sent;
  }

  get skipped(): number {
    let skipped = this.#skippedBefore;
    for (const client of this.clients) skipped += client.skipped;
    return skipped;
  }

  get lagMax(): number {
    let most = 0;
    for (const { lag } of this.clients) most = Math.max(most, lag);
    return most;
  }

  /** Books for a subscription; null: too much to send, now or at all. `letGo` with its bytes once they are sent. */
  takeBooks(subscription: Subscription): BookEvents | null {
    const events = this.books?.take(subscription, BOOK_BYTES_MAX - this.#bookBytes) ?? null;
    if (events !== null) this.#bookBytes += events.bytes.length;
    return events;
  }

  letGo(bytes: number): void {
    this.#bookBytes -= bytes;
  }

  takePiece(): Buffer {
    return this.#pieces.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  givePiece(piece: Buffer): void {
    if (this.#pieces.length < PIECES_KEPT) this.#pieces.push(piece);
  }
}
