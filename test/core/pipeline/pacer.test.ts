import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nsBetween } from '../../../src/core/binary/time.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { WORD_RECEIVE_TIME } from '../../../src/core/event/record.ts';
import type { EventObserver } from '../../../src/core/pipeline/books.ts';
import { type Clock, Pacer } from '../../../src/core/pipeline/pacer.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-pacer-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Waits up to this are not worth a timer. */
const EARLY_NS_MAX = 1_000_000;

/** A clock that only sleeping moves. */
class VirtualClock implements Clock {
  #now = 5e9;
  sleeps = 0;

  now(): number {
    return this.#now;
  }

  async sleep(ns: number): Promise<void> {
    this.sleeps += 1;
    this.#now += ns;
  }
}

/** Notes how much later than due, on the clock of the run, each event is seen. */
class Lateness implements EventObserver {
  readonly late: number[] = [];
  readonly #clock: Clock;
  readonly #factor: number;
  #first: [high: number, low: number, now: number] | null = null;

  constructor(clock: Clock, factor: number) {
    this.#clock = clock;
    this.#factor = factor;
  }

  after(batch: EventBatch, at: number): void {
    const { receiveBaseHigh: high, receiveBaseLow: low } = batch;
    const delta = batch.words[at + WORD_RECEIVE_TIME]! >>> 0;
    this.#first ??= [high, low, this.#clock.now() + delta];
    const [firstHigh, firstLow, now] = this.#first;
    const due = now + (nsBetween(high, low, firstHigh, firstLow) + delta) / this.#factor;
    this.late.push(this.#clock.now() - due);
  }
}

describe('a paced run', () => {
  it.each([
    ['pcap', 1],
    ['pcap', 10],
    ['dbn', 1],
    ['dbn', 0.5],
  ] as const)('of %s at %d times its speed shows every event when it is due', async (format, factor) => {
    const { a } = play({ seed: 3, format, profile: { messages: 300, rate: 100 } });
    const path = join(folder, `session-${factor}.${format}`);
    writeFileSync(path, a);
    const clock = new VirtualClock();
    const lateness = new Lateness(clock, factor);
    await run(runOptions([path], { observers: [lateness], pacer: new Pacer(clock, factor) }));
    expect(clock.sleeps).toBeGreaterThan(40);
    expect(lateness.late.length).toBeGreaterThan(300);
    expect(Math.max(...lateness.late)).toBeLessThanOrEqual(1);
    expect(Math.min(...lateness.late)).toBeGreaterThan(-EARLY_NS_MAX);
  });

  it('gives the same books as an unpaced one', async () => {
    const { a } = play({ seed: 4, format: 'dbn', profile: { messages: 300, rate: 100 } });
    const path = join(folder, 'same.dbn');
    writeFileSync(path, a);
    const clock = new VirtualClock();
    const paced = await run(runOptions([path], { pacer: new Pacer(clock, 1) }));
    const plain = await run(runOptions([path]));
    expect(paced.books.markets[0]!.orders.live).toBe(plain.books.markets[0]!.orders.live);
    expect(paced.counts.messages).toBe(plain.counts.messages);
  });
});
