import type { ClientView } from '../client-view.ts';
import type { BookSource } from './book-source.ts';
import { BooksUnderWay } from './books-under-way.ts';
import { type EventForm, JSON_FORM } from './event-form.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';
import { SharedPieces } from './shared-pieces.ts';
import type { Subscription } from './subscription.ts';
import { type Turning, Turns } from './turns.ts';

export interface EventHubOptions extends EventLogLimits {
  readonly batchMax: number;
  readonly recentEvents: number;
}

/** A client as the hub knows it. */
export interface HubClient extends Turning {
  readonly subscriptions: readonly Subscription[];
  readonly events: number;
  readonly skipped: number;
  readonly lag: number;
  /** There is something to send. */
  wake(): void;
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

/** What all clients of events share: the log, memory to write from, and what is known of the run. */
export class EventHub {
  readonly log: EventLog;
  readonly options: EventHubOptions;
  readonly clients: Set<HubClient> = new Set();
  readonly shared: SharedPieces = new SharedPieces();
  readonly turns: Turns = new Turns(this.shared);
  readonly underWay: BooksUnderWay = new BooksUnderWay();
  books: BookSource | null = null;
  /** Null: what is in memory is all there is. */
  past: EventPast | null = null;
  /** Events that had no form, by why. */
  formless = 0;
  /** Events to clients that are gone. */
  #sentBefore = 0;
  #skippedBefore = 0;
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
    this.turns.leave(client);
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
}
