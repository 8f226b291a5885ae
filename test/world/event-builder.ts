import { bigHigh, bigLow } from '../../src/core/binary/time.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import { FLAG_ASK, FLAG_EXTENDED, KIND_EXTENSION, RECORD_WORDS } from '../../src/core/event/record.ts';

/** An event as a test writes it down. */
export interface EventInput {
  readonly kind: number;
  readonly book: number;
  readonly flags?: number;
  readonly ask?: boolean;
  readonly id?: bigint;
  readonly price?: bigint;
  readonly quantity?: bigint;
  /** Makes the event an extended one. */
  readonly related?: bigint;
}

/** Writes events as records into one batch. */
export function batchOf(events: readonly EventInput[], channel = 0): EventBatch {
  const batch = new EventBatch(events.length * 2 + 1);
  batch.channel = channel;
  for (const event of events) {
    const extended = event.related !== undefined;
    const flags = (event.flags ?? 0) | (event.ask === true ? FLAG_ASK : 0) | (extended ? FLAG_EXTENDED : 0);
    const at = batch.count * RECORD_WORDS;
    const words = batch.words;
    words[at] = event.kind | (flags << 8);
    words[at + 1] = event.book;
    put(words, at + 2, event.id ?? 0n);
    put(words, at + 4, event.price ?? 0n);
    put(words, at + 6, event.quantity ?? 0n);
    batch.count += 1;
    if (event.related !== undefined) {
      words[at + RECORD_WORDS] = KIND_EXTENSION;
      put(words, at + RECORD_WORDS + 2, event.related);
      batch.count += 1;
    }
  }
  return batch;
}

function put(words: Int32Array, at: number, value: bigint): void {
  words[at] = bigLow(value);
  words[at + 1] = bigHigh(value);
}
