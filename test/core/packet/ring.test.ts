import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../../src/core/packet/ring.ts';

/** What a ring has to do, said with arrays. */
class SlowRing {
  readonly capacity: number;
  put: number[] = [];
  published: number[] = [];
  taken = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get isFull(): boolean {
    return this.put.length + this.published.length + this.taken === this.capacity;
  }
}

/** Counters of a fresh ring set so that they pass the end of 31 or 32 bits soon. */
function ringAt(capacity: number, counter: number): Ring {
  const { memory } = new Ring(capacity);
  const words = new Int32Array(memory);
  words[0] = counter;
  words[16] = counter;
  return new Ring(capacity, memory);
}

describe('a ring', () => {
  it('hands over what was published, in order, and never more than it holds', () => {
    const operation = fc.constantFrom('put', 'put', 'put', 'publish', 'take', 'take', 'release');
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 8, 64),
        fc.constantFrom(0, 0x7fffffff - 5, -3),
        fc.array(operation, { maxLength: 400 }),
        (capacity, counter, operations) => {
          const ring = ringAt(capacity, counter);
          const slow = new SlowRing(capacity);
          let value = 0;
          for (const operation of operations) {
            if (operation === 'put') {
              const isFull = slow.isFull;
              expect(ring.put(value)).toBe(!isFull);
              if (!isFull) slow.put.push(value);
              value += 1;
            } else if (operation === 'publish') {
              ring.publish();
              slow.published.push(...slow.put);
              slow.put = [];
            } else if (operation === 'take') {
              const next = slow.published.shift();
              expect(ring.take()).toBe(next ?? -1);
              if (next !== undefined) slow.taken += 1;
            } else {
              ring.release();
              slow.taken = 0;
            }
            expect(ring.waiting).toBe(slow.published.length + slow.taken);
          }
        },
      ),
    );
  });

  it('is the same ring from either side of the memory', () => {
    const producer = new Ring(4);
    const consumer = new Ring(4, producer.memory);
    for (const value of [7, 8]) producer.put(value);
    expect(consumer.take()).toBe(-1);
    producer.publish();
    expect([consumer.take(), consumer.take(), consumer.take()]).toEqual([7, 8, -1]);
  });

  it.each([0, 3, -8])('refuses a capacity of %i', (capacity) => {
    expect(() => new Ring(capacity)).toThrow('a power of two was expected');
  });

  it('wakes who waits, and does not wait where something is at hand', async () => {
    const producer = new Ring(4);
    const consumer = new Ring(4, producer.memory);
    expect(consumer.take()).toBe(-1);
    const woken = consumer.waitAsync(60_000);
    producer.put(1);
    producer.publish();
    await woken;
    consumer.wait(60_000);
    expect(consumer.take()).toBe(1);
  });

  it.each([
    [1, 50_000],
    [64, 1_000_000],
  ])('of %i numbers loses and doubles none of %i between two threads', async (capacity, count) => {
    const there = new Ring(capacity);
    const back = new Ring(capacity);
    const worker = new Worker(new URL('../../world/ring-echo.ts', import.meta.url), {
      workerData: { capacity, there: there.memory, back: back.memory, count },
    });
    const ended = new Promise((resolve, reject) => {
      worker.once('exit', resolve);
      worker.once('error', reject);
    });
    let sent = 0;
    let received = 0;
    while (received < count) {
      while (sent < count && there.put(sent)) sent += 1;
      there.publish();
      let value = back.take();
      if (value < 0) {
        back.wait(1000);
        value = back.take();
      }
      for (; value >= 0; value = back.take()) {
        if (value !== received) throw new Error(`${value} came where ${received} was expected`);
        received += 1;
      }
      back.release();
    }
    await ended;
    expect([there.waiting, back.waiting]).toEqual([0, 0]);
  });
});
