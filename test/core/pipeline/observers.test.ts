import { expect, test } from 'vitest';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { FLAG_LAST, KIND_ADD, KIND_DELETE } from '../../../src/core/event/record.ts';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { Books, type EventObserver } from '../../../src/core/pipeline/books.ts';
import { batchOf } from '../../world/event-builder.ts';

/** Notes the ids of events that it is shown, and is idle when it is told to be. */
class Watcher implements EventObserver {
  readonly seen: string[] = [];
  isIdle = false;
  readonly #wants: (batch: number) => boolean;
  #batches = 0;

  constructor(wants: (batch: number) => boolean) {
    this.#wants = wants;
  }

  records(): void {
    this.isIdle = !this.#wants(this.#batches);
    this.#batches += 1;
  }

  before({ words }: EventBatch, at: number): void {
    this.seen.push(`before ${words[at + 2]}`);
  }

  after({ words }: EventBatch, at: number): void {
    this.seen.push(`after ${words[at + 2]}`);
  }
}

test('who is idle is not shown the events of a batch, and others are', () => {
  const always = new Watcher(() => true);
  const odd = new Watcher((batch) => batch % 2 === 1);
  const never = new Watcher(() => false);
  const told = (ids: readonly number[]): string[] => ids.flatMap((id) => [`before ${id}`, `after ${id}`]);
  const play = (observers: readonly EventObserver[]): Books => {
    const dictionary = new Dictionary();
    const key = { source: 's', publisher: 1, channel: 0, priceScale: 2, quantityScale: 0 };
    dictionary.add({ ...key, instrument: 1n, symbol: 'A' });
    const books = new Books(FEEDS.find(({ name }) => name === 'dbn')!.rules, dictionary, null, observers);
    for (let batch = 0; batch < 4; batch += 1) {
      const add = { kind: KIND_ADD, book: 0, flags: FLAG_LAST, price: 5n, quantity: 3n };
      const ids = [batch * 2 + 1, batch * 2 + 2].map(BigInt);
      const gone = { kind: KIND_DELETE, book: 0, flags: FLAG_LAST, id: ids[0]! };
      books.accept(batchOf([...ids.map((id) => ({ ...add, id })), gone]));
    }
    return books;
  };
  const watched = play([never, odd, always]);
  expect(always.seen).toEqual(told([1, 2, 1, 3, 4, 3, 5, 6, 5, 7, 8, 7]));
  expect(odd.seen).toEqual(told([3, 4, 3, 7, 8, 7]));
  expect(never.seen).toEqual([]);
  const unwatched = play([new Watcher(() => false)]);
  for (const { markets } of [watched, unwatched]) {
    expect([markets[0]!.orders.live, markets[0]!.events[KIND_ADD], markets[0]!.changes]).toEqual([4, 8, 12]);
  }
});
