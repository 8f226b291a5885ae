import type { EventHub, HubClient } from '../../../../src/core/publish/events/event-hub.ts';
import { startOf } from '../../../../src/core/publish/events/event-log.ts';
import { filterOf } from '../../../../src/core/publish/events/filter.ts';
import { Subscription } from '../../../../src/core/publish/events/subscription.ts';

/** A client that wants some kinds and takes nothing. */
export function wanting(hub: EventHub, kinds: number): HubClient {
  const filter = filterOf({ sources: null, instruments: null, kinds });
  const options = { sub: null, filter, snapshot: false, conflateMs: 0 };
  const subscriptions = [new Subscription(options, hub.log.topics, 0)];
  return { subscriptions, events: 0, skipped: 0, lag: 0, wake() {} };
}

export function textsOf({ log }: EventHub): string[] {
  const texts: string[] = [];
  for (let cursor = log.oldest; cursor < log.next; cursor += 1) {
    const chunk = log.bus.chunkAt(cursor)!;
    const index = cursor - chunk.first;
    // Without its comma.
    texts.push(chunk.bytes.toString('utf8', startOf(chunk, index), chunk.ends[index]! - 1));
  }
  return texts;
}
