import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { Market } from '../../../src/core/book/market.ts';
import { orderDetail, ordersIn, ordersOf, queuePosition } from '../../../src/core/book/view.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  KIND_ADD,
  KIND_DELETE,
  KIND_MODIFY,
} from '../../../src/core/event/record.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';

const event: fc.Arbitrary<EventInput> = fc.record({
  kind: fc.constantFrom(KIND_ADD, KIND_ADD, KIND_ADD, KIND_DELETE, KIND_MODIFY),
  book: fc.constant(0),
  ask: fc.boolean(),
  id: fc.bigInt(1n, 30n),
  price: fc.bigInt(100n, 103n),
  quantity: fc.bigInt(1n, 50n),
  flags: fc.constantFrom(FLAG_LAST, FLAG_LAST | FLAG_KEEP_PRIORITY),
});

it('what stands before an order is what the queue lists before it', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const dictionary = new Dictionary();
      dictionary.add({
        source: 'test',
        publisher: 0,
        instrument: 1n,
        channel: 0,
        priceScale: 0,
        quantityScale: 0,
        symbol: null,
      });
      const market = new Market(
        {
          idScope: 'book',
          groupScope: 'book',
          modifyUnknown: 'ignore',
          replaceUnknown: 'ignore',
          modifyPriority: 'lost',
        },
        dictionary,
      );
      market.apply(batchOf(events));
      let seen = 0;
      for (const ask of [false, true]) {
        const orders = [...ordersOf(market, 0, ask)];
        for (const [place, { id, price, quantity }] of orders.entries()) {
          const ahead = orders.slice(0, place).filter((other) => other.price === price);
          const slot = market.findOrder(bigLow(id), bigHigh(id), ask ? 1 : 0);
          expect(queuePosition(market, slot)).toEqual({
            ordersAhead: ahead.length,
            quantityAhead: ahead.reduce((sum, other) => sum + other.quantity, 0),
          });
          expect(orderDetail(market, slot)).toEqual({ bookSide: ask ? 1 : 0, price, quantity });
          seen += 1;
        }
      }
      expect(ordersIn(market, 0)).toBe(seen);
    }),
  );
});
