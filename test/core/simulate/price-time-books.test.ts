import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PriceTimeBooks, type RestingOrder } from '../../../src/core/simulate/price-time-books.ts';

interface Order {
  readonly id: number;
  slot: number;
  bookSide: number;
  price: number;
  quantity: number;
}

const step = fc.record({
  what: fc.constantFrom('add', 'add', 'add', 'remove', 'move', 'resize', 'rename'),
  which: fc.nat(),
  bookSide: fc.nat(3),
  price: fc.integer({ min: 1, max: 6 }),
  quantity: fc.integer({ min: 1, max: 9 }),
});

/** All orders in order of entering; a stable sort by price is price-time priority. */
function expected(orders: readonly Order[], bookSide: number): RestingOrder[] {
  const sign = (bookSide & 1) !== 0 ? 1 : -1;
  return orders
    .filter((order) => order.bookSide === bookSide)
    .toSorted((x, y) => (x.price - y.price) * sign)
    .map(({ id, price, quantity }) => ({ id: BigInt(id), price, quantity }));
}

it('the books of the simulator are a list of orders sorted by price', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const books = new PriceTimeBooks(2);
      let orders: Order[] = [];
      let id = 0;
      for (const { what, which, bookSide, price, quantity } of steps) {
        const order = orders[which % Math.max(1, orders.length)];
        id += 1;
        if (what === 'add' || order === undefined) {
          orders.push({ id, bookSide, price, quantity, slot: books.add(bookSide, price, quantity, 0, id) });
          continue;
        }
        const others = orders.filter((other) => other !== order);
        if (what === 'remove') {
          books.remove(order.slot);
          orders = others;
        } else if (what === 'move') {
          books.move(order.slot, price, quantity);
          orders = [...others, { ...order, price, quantity }];
        } else if (what === 'resize') {
          books.resize(order.slot, quantity);
          order.quantity = quantity;
        } else {
          books.rename(order.slot, 0, id);
          orders = orders.map((other) => (other === order ? { ...order, id } : other));
        }
      }
      for (let bookSide = 0; bookSide < 4; bookSide += 1) {
        const side = expected(orders, bookSide);
        expect([...books.queue(bookSide)]).toEqual(side);
        expect(books.best(bookSide)).toBe(side[0]?.price ?? 0);
      }
      expect(books.orders).toBe(orders.length);
      for (const book of [0, 1]) {
        const slots = orders.filter(({ bookSide }) => bookSide >> 1 === book).map(({ slot }) => slot);
        expect(books.live[book]!.toSorted()).toEqual(slots.toSorted());
      }
    }),
    { numRuns: 300 },
  );
});
