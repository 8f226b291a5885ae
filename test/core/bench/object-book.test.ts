import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHANGES, EventSource, type Shape } from '../../../src/core/bench/event-stream.ts';
import { ObjectBook } from '../../../src/core/bench/object-book.ts';
import { marketChecksum, syntheticDictionary } from '../../../src/core/bench/workloads/synthetic.ts';
import { Market } from '../../../src/core/book/market.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';

describe('the book of Maps and objects', () => {
  it('holds what the market holds, after every batch of a random stream', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Shape>('touch', 'churn', 'clusters'),
        fc.constantFrom(...CHANGES),
        fc.integer(),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 300 }),
        (shape, changes, seed, instruments, live) => {
          const source = new EventSource({ instruments, live, seed, shape, changes });
          const market = new Market(itch.rules, syntheticDictionary());
          const objects = new ObjectBook();
          const batch = new EventBatch(64);
          const compare = (): void => {
            market.apply(batch);
            objects.apply(batch);
            batch.count = 0;
            expect(objects.checksum()).toEqual(marketChecksum(market));
          };
          for (let left = live; left > 0; compare()) left -= source.fill(batch, left);
          for (let batches = 0; batches < 12; batches += 1) {
            source.steady(batch, 100);
            compare();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('applies part of a batch', () => {
    const source = new EventSource({ instruments: 2, live: 50, seed: 7, shape: 'touch' });
    const batch = new EventBatch(50);
    source.fill(batch, 50);
    const whole = new ObjectBook();
    const pieces = new ObjectBook();
    whole.apply(batch);
    for (let record = 0; record < batch.count; record += 1) pieces.apply(batch, record, record + 1);
    expect(pieces.checksum()).toEqual(whole.checksum());
    expect(pieces.checksum().orders).toBe(50);
  });

  it('counts crossed books at the end of a group', () => {
    const source = new EventSource({ instruments: 1, live: 1, seed: 1, shape: 'touch' });
    const batch = new EventBatch(4);
    source.fill(batch, 2);
    // Two orders of one book: a bid at 101, an ask at 100.
    for (const [record, [ask, price]] of [
      [false, 101],
      [true, 100],
    ].entries() as Iterable<[number, [boolean, number]]>) {
      const at = record * 10;
      batch.words[at] = 1 | ((ask ? 5 : 1) << 8);
      batch.words[at + 1] = 0;
      batch.words[at + 4] = price;
    }
    const book = new ObjectBook();
    book.apply(batch);
    expect(book.checksum()).toMatchObject({ orders: 2, levels: 2, crossed: 1 });
  });
});
