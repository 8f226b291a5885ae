import { nsBetween } from '../binary/time.ts';
import type { EventBatch, EventSink } from './batch.ts';

const U32_MAX = 0xffffffff;
const SEQUENCE_SPAN = 0xffff;

/**
 * What a decoder writes events with: one batch, and the sink it is handed to.
 *
 * Decoders keep `batch.words` and `batch.count` in locals while they run and call the methods here only where a
 * packet begins and where something does not fit.
 */
export class EventWriter {
  readonly batch: EventBatch;
  readonly #sink: EventSink;

  constructor(batch: EventBatch, sink: EventSink) {
    this.batch = batch;
    this.#sink = sink;
  }

  /** Hands the batch over, if it holds anything, and empties it. */
  flush(): void {
    const batch = this.batch;
    if (batch.count > 0) {
      this.#sink.accept(batch);
      batch.count = 0;
    }
  }

  /**
   * Makes the batch ready for events of `channel` that arrived at the given time (ns since 1970 as halves) and
   * whose message numbers are `sequence` … `sequence + messages − 1` (messages ≤ 65,535).
   * @returns the value of word 9 for these events: receive time − base, as an i32 holding the u32.
   */
  begin(
    channel: number,
    receiveHigh: number,
    receiveLow: number,
    sequence: number,
    messages: number,
  ): number {
    const batch = this.batch;
    if (batch.count > 0) {
      const receive = nsBetween(receiveHigh, receiveLow, batch.receiveBaseHigh, batch.receiveBaseLow);
      const number = sequence - batch.sequenceBase;
      if (
        batch.channel === channel &&
        receive >= 0 &&
        receive <= U32_MAX &&
        number >= 0 &&
        number + messages - 1 <= SEQUENCE_SPAN
      ) {
        return receive | 0;
      }
      this.flush();
    }
    batch.channel = channel;
    batch.sequenceBase = sequence;
    batch.receiveBaseHigh = receiveHigh;
    batch.receiveBaseLow = receiveLow;
    return 0;
  }
}
