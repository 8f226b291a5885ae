import { expect, it } from 'vitest';
import { makeEventStream } from '../../../src/core/bench/event-stream.ts';
import { ObjectBook } from '../../../src/core/bench/object-book.ts';
import { marketChecksum, syntheticDictionary } from '../../../src/core/bench/workloads/synthetic.ts';
import { LOOK_AHEAD_ORDERS_MIN } from '../../../src/core/book/look-ahead.ts';
import { Market } from '../../../src/core/book/market.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';

it('changes nothing in books large enough for it', () => {
  const { fill, steady } = makeEventStream({
    instruments: 64,
    live: LOOK_AHEAD_ORDERS_MIN + 5000,
    events: 50_000,
    seed: 9,
    shape: 'touch',
    changes: 'replace',
  });
  const market = new Market(itch.rules, syntheticDictionary());
  const objects = new ObjectBook();
  for (const batch of [...fill, ...steady]) {
    market.apply(batch);
    objects.apply(batch);
  }
  expect(market.orders.live).toBeGreaterThan(LOOK_AHEAD_ORDERS_MIN);
  expect(marketChecksum(market)).toEqual(objects.checksum());
});
