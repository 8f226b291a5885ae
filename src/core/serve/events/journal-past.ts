import { setTimeout as pause } from 'node:timers/promises';
import type { Market } from '../../book/market.ts';
import { type EventBatch, eventsIn } from '../../event/batch.ts';
import { FLAG_EXTENDED, RECORD_WORDS } from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { EventObserver, RunFacts } from '../../pipeline/books.ts';
import { run } from '../../pipeline/run.ts';
import { WHOLE_RUN } from '../../pipeline/run-defaults.ts';
import type { ClientView } from '../../publish/client-view.ts';
import type { EventHub, EventPast } from '../../publish/events/event-hub.ts';
import type { PastFailures } from '../past-failures.ts';
import { EventPublisher } from './event-publisher.ts';

/** A client that takes its time is looked after so often. */
const SETTLE_MS = 5;

/** Shows a publisher the events behind one number up to another. */
class EventRange implements EventObserver {
  /** Number of the last event that was seen. */
  reached: number;
  /** Events in front of those that came are missing. */
  isBroken = false;
  readonly #publisher: EventPublisher;
  readonly #to: number;
  /** Words of the batch at hand where the range begins and ends. */
  #first = 0;
  #last = 0;

  constructor(publisher: EventPublisher, behind: number, to: number) {
    this.#publisher = publisher;
    this.reached = behind;
    this.#to = to;
  }

  start(feed: Feed, facts: RunFacts): void {
    this.#publisher.start(feed, facts);
  }

  records(batch: EventBatch, from: number, to: number): void {
    const firstEvent = batch.firstEvent + eventsIn(batch, 0, from);
    if (firstEvent > this.reached + 1) this.isBroken = true;
    const first = recordAt(batch, from, to, this.reached + 1 - firstEvent);
    const last = this.isBroken ? first : recordAt(batch, from, to, this.#to + 1 - firstEvent);
    this.#first = first * RECORD_WORDS;
    this.#last = last * RECORD_WORDS;
    this.reached += eventsIn(batch, first, last);
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if (at < this.#first || at >= this.#last) return;
    // Only now are the books as they were in front of it.
    if (at === this.#first) {
      this.#publisher.records(batch, this.#first / RECORD_WORDS, this.#last / RECORD_WORDS);
    }
    if (!this.#publisher.isIdle) this.#publisher.before(batch, at, market);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    if (at < this.#first || at >= this.#last || this.#publisher.isIdle) return;
    this.#publisher.after(batch, at, market);
  }
}

/** Record where the event begins that is so many behind the one at `from`; at most `to`. */
function recordAt({ words }: EventBatch, from: number, to: number, events: number): number {
  let record = from;
  for (let left = events; left > 0 && record < to; left -= 1) {
    record += ((words[record * RECORD_WORDS]! >> 8) & FLAG_EXTENDED) !== 0 ? 2 : 1;
  }
  return record;
}

/** Events that memory has no more, made anew from the journal, which is read from the image in front of them. */
export class JournalPast implements EventPast {
  readonly #directory: string;
  readonly #failures: PastFailures;

  constructor(directory: string, failures: PastFailures) {
    this.#directory = directory;
    this.#failures = failures;
  }

  async replay(
    hub: EventHub,
    behind: number,
    to: number,
    isWanted: () => boolean,
    protocol: ClientView['protocol'],
  ): Promise<void> {
    const publisher = new EventPublisher(hub, '');
    const range = new EventRange(publisher, behind, to);
    const isOver = (): boolean => range.reached >= to || range.isBroken || !isWanted();
    const settle = async (): Promise<void> => {
      publisher.flush();
      while (hub.lagMax > 0 && isWanted()) await pause(SETTLE_MS);
    };
    try {
      await run({
        ...WHOLE_RUN,
        paths: [this.#directory],
        observers: [range],
        follow: true,
        beginAt: behind + 1,
        stop: isOver,
        breathe: settle,
      });
    } catch (error) {
      this.#failures.note(protocol, error);
    }
    // What has come by then is right, and ends between two events.
    await settle();
  }
}
