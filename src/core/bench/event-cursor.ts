import { EventBatch } from '../event/batch.ts';
import { FLAG_EXTENDED, RECORD_WORDS } from '../event/record.ts';
import type { EventSource } from './event-stream.ts';

/** Goes through the events of a source one by one, for what puts each into a message. */
export class EventCursor {
  /** Offset of the event's record in `words`. */
  at = 0;
  readonly words: Int32Array;
  readonly #source: EventSource;
  readonly #batch: EventBatch = new EventBatch();

  constructor(source: EventSource) {
    this.#source = source;
    this.words = this.#batch.words;
  }

  /** Makes sure that there is an event: behind the last, at most `eventsMax` come from the source's fill or its steady part. */
  prepare(filling: boolean, eventsMax: number): void {
    const batch = this.#batch;
    if (this.at < batch.count * RECORD_WORDS) return;
    batch.count = 0;
    this.at = 0;
    if (filling) this.#source.fill(batch, eventsMax);
    else this.#source.steady(batch, eventsMax);
  }

  /** Goes on to the next event. */
  advance(): void {
    this.at += (this.words[this.at]! & (FLAG_EXTENDED << 8)) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
  }
}
