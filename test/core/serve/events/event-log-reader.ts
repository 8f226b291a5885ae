import type { EventHub, HubClient } from '../../../../src/core/publish/events/event-hub.ts';
import { startOf } from '../../../../src/core/publish/events/event-log.ts';
import { filterOf } from '../../../../src/core/publish/events/filter.ts';
import { Subscription } from '../../../../src/core/publish/events/subscription.ts';

/** A client that wants some kinds and takes nothing. */
export function wanting(hub: EventHub, kinds: number): HubClient {
  const filter = filterOf({ sources: null, instruments: null, kinds });
  const options = { sub: null, filter, snapshot: false, conflateMs: 0 };
  const subscriptions = [new Subscription(options, hub.log.topics, 0)];
  return { subscriptions, events: 0, skipped: 0, lag: 0, wake() {}, pump() {} };
}

export function textsOf(hub: EventHub): string[] {
  // Without their commas.
  return elementsOf(hub).map((bytes) => bytes.toString('utf8', 0, bytes.length - 1));
}

/** Events as they stand in the log. */
export function elementsOf({ log }: EventHub): Buffer[] {
  const elements: Buffer[] = [];
  for (let cursor = log.oldest; cursor < log.next; cursor += 1) {
    const chunk = log.bus.chunkAt(cursor)!;
    const index = cursor - chunk.first;
    elements.push(chunk.bytes.subarray(startOf(chunk, index), chunk.ends[index]!));
  }
  return elements;
}
