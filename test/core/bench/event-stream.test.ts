import { describe, expect, it } from 'vitest';
import { CHANGES, EventSource, makeEventStream } from '../../../src/core/bench/event-stream.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  RECORD_WORDS,
} from '../../../src/core/event/record.ts';

/** Events by kind over batches. */
function kindsOf(batches: readonly EventBatch[]): Map<number, number> {
  const kinds = new Map<number, number>();
  for (const { words, count } of batches) {
    for (let record = 0; record < count; record += 1) {
      const head = words[record * RECORD_WORDS]!;
      kinds.set(head & 255, (kinds.get(head & 255) ?? 0) + 1);
      if ((head & (FLAG_EXTENDED << 8)) !== 0) record += 1;
    }
  }
  return kinds;
}

function wordsOf(batches: readonly EventBatch[]): number[] {
  return batches.flatMap(({ words, count }) => [...words.subarray(0, count * RECORD_WORDS)]);
}

const options = { instruments: 64, live: 5000, seed: 3, shape: 'touch' } as const;

describe('the synthetic stream', () => {
  it('fills with adds and goes on with the mix', () => {
    const { fill, steady } = makeEventStream({ ...options, events: 100_000 });
    expect(kindsOf(fill)).toEqual(new Map([[KIND_ADD, 5000]]));
    const kinds = kindsOf(steady);
    const share = (kind: number): number => (kinds.get(kind) ?? 0) / 100_000;
    expect([...kinds.values()].reduce((sum, count) => sum + count)).toBe(100_000);
    expect(share(KIND_ADD)).toBeCloseTo(0.44, 1);
    expect(share(KIND_DELETE)).toBeCloseTo(0.41, 1);
    expect(share(KIND_MODIFY)).toBeCloseTo(0.1, 2);
    expect(share(KIND_EXECUTE) + share(KIND_REDUCE)).toBeCloseTo(0.05, 2);
    const live = 5000 + (share(KIND_ADD) - share(KIND_DELETE) - share(KIND_EXECUTE)) * 100_000;
    expect(Math.abs(live - 5000)).toBeLessThan(250);
  });

  it('makes replaces where orders may not keep their ids', () => {
    const { steady } = makeEventStream({ ...options, events: 20_000, changes: 'replace' });
    const kinds = kindsOf(steady);
    expect(kinds.has(KIND_MODIFY)).toBe(false);
    expect(kinds.get(KIND_REPLACE)! / 20_000).toBeCloseTo(0.1, 1);
    expect([...kinds.values()].reduce((sum, count) => sum + count)).toBe(20_000);
  });

  it('makes nothing but adds, deletes and other quantities where only those can be told', () => {
    const { steady } = makeEventStream({ ...options, events: 20_000, changes: 'quantity' });
    expect([...kindsOf(steady).keys()].toSorted((a, b) => a - b)).toEqual([
      KIND_ADD,
      KIND_MODIFY,
      KIND_DELETE,
    ]);
  });

  it.each(CHANGES)('is the same however it is cut into batches (%s)', (changes) => {
    const { fill, steady } = makeEventStream({ ...options, events: 3000, changes });
    const source = new EventSource({ ...options, changes });
    const pieces: EventBatch[] = [];
    const read = (events: number, next: (batch: EventBatch, most: number) => number): void => {
      for (let left = events, size = 2; left > 0; size = 2 + ((size + 5) % 90)) {
        const batch = new EventBatch(size);
        left -= next(batch, left);
        pieces.push(batch);
      }
    };
    read(5000, (batch, most) => source.fill(batch, most));
    read(3000, (batch, most) => source.steady(batch, most));
    expect(wordsOf(pieces)).toEqual([...wordsOf(fill), ...wordsOf(steady)]);
  });

  it('differs with the seed', () => {
    const words = (seed: number): number[] => wordsOf(makeEventStream({ ...options, events: 10, seed }).fill);
    expect(words(3)).toEqual(words(3));
    expect(words(3)).not.toEqual(words(4));
  });
});
