import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Doorbell, type Waiting } from '../../../src/core/net/doorbell.ts';
import { LoopTurns } from '../../../src/core/net/loop-turns.ts';
import { Polling } from '../../../src/core/net/polling.ts';
import { Ring } from '../../../src/core/packet/ring.ts';

/** Looks so long whatever was before. */
function always(ms: number, looked: () => void = () => {}): Waiting {
  return { polling: { lookMs: () => ms, note: () => {}, looked }, turns: new LoopTurns() };
}

describe('a doorbell', () => {
  it.each([
    ['asleep', undefined],
    ['polling', always(0.2)],
    ['as it pays', { polling: new Polling(0.2, 2), turns: new LoopTurns() }],
  ])('leaves nothing lying where its consumer waits %s', async (_, waiting) => {
    const count = 10_000;
    const capacity = 1024;
    const ring = new Ring(capacity);
    const bell = new Doorbell(undefined, waiting);
    const worker = new Worker(new URL('../../world/doorbell-ringer.ts', import.meta.url), {
      workerData: { capacity, ring: ring.memory, bell: bell.memory, count },
    });
    const died = new Promise<never>((_resolve, reject) => {
      worker.once('error', reject);
    });
    died.catch(() => {});
    for (let next = 0; next < count; ) {
      bell.look();
      const value = ring.take();
      ring.release();
      if (value < 0) {
        // Who has missed it once waits for longer than the test may take.
        await Promise.race([bell.wait(120_000), died]);
        continue;
      }
      expect(value).toBe(next);
      next += 1;
    }
    await worker.terminate();
  });

  it.each([
    ['asleep', undefined],
    ['polling', always(0.2)],
  ])('hears what rang since it was looked at where its consumer waits %s', async (_, waiting) => {
    const bell = new Doorbell(undefined, waiting);
    bell.look();
    const heard = bell.wait(120_000);
    bell.ring();
    await heard;
  });

  it('stops looking where nothing comes any more, and does not begin again', async () => {
    const polling = new Polling(0.2, 2);
    for (let wait = 0; wait < 100; wait += 1) polling.note(0);
    const bell = new Doorbell(undefined, { polling, turns: new LoopTurns() });
    bell.look();
    for (let wait = 0; wait < 10; wait += 1) await bell.wait(1);
    const polled = bell.polledMs;
    expect(polled).toBeGreaterThan(0);
    for (let wait = 0; wait < 20; wait += 1) await bell.wait(1);
    expect(bell.polledMs).toBe(polled);
  });

  it('lets everything else on the thread have its turn though it always rings', async () => {
    const bell = new Doorbell(undefined, always(0.2));
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (turns < 5) setImmediate(count);
    };
    setImmediate(count);
    for (let waits = 0; turns < 5 && waits < 300_000; waits += 1) {
      bell.look();
      bell.ring();
      await bell.wait(1000);
    }
    expect(turns).toBe(5);
  });

  it('looks only when what the thread has begun is done', async () => {
    let done = false;
    const seen: boolean[] = [];
    const bell = new Doorbell(
      undefined,
      always(0.01, () => seen.push(done)),
    );
    bell.look();
    const begun = (async () => {
      for (let step = 0; step < 100; step += 1) await null;
      done = true;
    })();
    await bell.wait(1);
    await begun;
    expect(seen).toEqual([true]);
  });
});
