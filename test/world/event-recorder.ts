import { toBigInt, toBigUint } from '../../src/core/binary/time.ts';
import type { Market } from '../../src/core/book/market.ts';
import { ordersOf } from '../../src/core/book/view.ts';
import type { EventBatch } from '../../src/core/event/batch.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  RECORD_WORDS,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../src/core/event/record.ts';
import type { EventObserver } from '../../src/core/pipeline/books.ts';
import type { EventInput } from './event-builder.ts';

/** An event as it came to the books. */
export interface Seen {
  readonly event: EventInput;
  readonly channel: number;
  /** 0 = its message has no number. */
  readonly sequence: number;
  readonly time: bigint;
  readonly venue: bigint;
}

/** Writes down every event of a run. */
export class EventRecorder implements EventObserver {
  readonly seen: Seen[] = [];

  before(batch: EventBatch, at: number): void {
    const { words } = batch;
    const flags = (words[at]! >> 8) & 255;
    const number = (word: number): bigint => toBigInt(words[word + 1]!, words[word]!);
    const second = at + RECORD_WORDS;
    const related =
      (flags & FLAG_EXTENDED) !== 0 ? toBigUint(words[second + 3]!, words[second + 2]!) : undefined;
    this.seen.push({
      event: {
        kind: words[at]! & 255,
        book: words[at + 1]!,
        flags,
        ask: (flags & FLAG_ASK) !== 0,
        id: toBigUint(words[at + 3]!, words[at + 2]!),
        price: number(at + 4),
        quantity: number(at + 6),
        ...(related === undefined ? {} : { related }),
      },
      channel: batch.channel,
      sequence: batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (words[at]! >>> 16),
      time:
        toBigUint(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + WORD_RECEIVE_TIME]! >>> 0),
      venue: toBigUint(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + WORD_VENUE_TIME]!),
    });
  }
}

/** All orders of a market in their queues, as `ReferenceMarket.state` has them. */
export function stateOf(market: Market | undefined): string[] {
  const lines: string[] = [];
  for (let book = 0; book < (market?.books ?? 0); book += 1) {
    for (const ask of [false, true]) {
      for (const { id, price, quantity } of ordersOf(market!, book, ask)) {
        lines.push(`${book} ${ask ? 'ask' : 'bid'} ${price ?? 'market'} #${id} ${quantity}`);
      }
    }
  }
  return lines;
}
