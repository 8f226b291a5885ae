import type { ClientView } from '../client-view.ts';
import { type EventForm, JSON_FORM } from './event-form.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';
import { SharedPieces } from './shared-pieces.ts';
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
  /** There is something to send. */
  wake(): void;
}

/** Events that say what the books are, as they stand in the log: event `i` ends at `ends[i]`. */
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
  /** What the books that a subscription takes are called. Absent: each event says it. */
  names?(subscription: Subscription): BookEvents;
}

/** Events that are in memory no longer, or never were. */
export interface EventPast {
  /**
   * Makes events anew, those behind one number up to another, in a hub whose client has joined, as fast as that takes them.
   * Resolves when it has them all, is not wanted any more, or no more can be had.
   * @param protocol that the client speaks.
   */
  replay(
    hub: EventHub,
    behind: number,
    to: number,
    isWanted: () => boolean,
    protocol: ClientView['protocol'],
  ): Promise<void>;
}

/** Clients that the past is made anew for at a time. */
const PASTS_MAX = 2;
/** What of it is kept until its client has taken it. */
const PAST_EVENTS: number = 1 << 20;
const PAST_BYTES: number = 1 << 26;
/** What all books that were asked for may need while clients have not taken them. */
const BOOK_BYTES_MAX: number = 64 * 1024 * 1024;

/** What all clients of events share: the log, memory to write from, and what is known of the run. */
export class EventHub {
  readonly log: EventLog;
  readonly options: EventHubOptions;
  readonly clients: Set<HubClient> = new Set();
  readonly shared: SharedPieces = new SharedPieces();
  books: BookSource | null = null;
  /** Null: what is in memory is all there is. */
  past: EventPast | null = null;
  /** Events that had no form, by why. */
  formless = 0;
  /** Events to clients that are gone. */
  #sentBefore = 0;
  #skippedBefore = 0;
  #bookBytes = 0;
  #pasts = 0;
  #run: string | null = null;
  readonly #earlyRun: () => string | null;

  /** @param earlyRun name of the history before its events are followed, as far as it is known. */
  constructor(
    options: EventHubOptions,
    earlyRun: () => string | null = () => null,
    form: EventForm = JSON_FORM,
  ) {
    this.options = options;
    this.#earlyRun = earlyRun;
    this.log = new EventLog(options, form);
  }

  /** Name of the history that numbers of events are of; null while it is not known. */
  get run(): string | null {
    return this.#run ?? this.#earlyRun();
  }

  /** The events of a history begin. */
  begin(run: string): void {
    this.#run = run;
  }

  /** A hub to make the past in, to be given back by `leavePast`; null: there is none, or it is made for others already. */
  enterPast(): EventHub | null {
    if (this.past === null || this.#pasts >= PASTS_MAX) return null;
    this.#pasts += 1;
    return new EventHub({ ...this.options, retainedEvents: PAST_EVENTS, retainedBytes: PAST_BYTES });
  }

  leavePast(): void {
    this.#pasts -= 1;
  }

  wake(): void {
    this.shared.open();
    for (const client of this.clients) client.wake();
    this.shared.close();
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
}
