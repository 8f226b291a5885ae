import { once } from 'node:events';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProcessClock } from '../../../src/core/threads/process-clock.ts';
import { startThread } from '../../../src/core/threads/start-thread.ts';

/** 2026-11-29, and a bit of a millisecond. */
const STARTED_MS = 1_795_910_400_000.9;
const READING_MS = 0.001;

/** Time that passes a microsecond with each look at one of the two clocks, and more where a thread is interrupted. */
class World {
  /** ms since the process began; UTC is `ahead` of what it was then. */
  ms = 5;
  ahead = 0;
  /** Interrupt after so many looks, for so many ms. */
  interruptAfter = Number.POSITIVE_INFINITY;
  interruptMs = 0;

  constructor() {
    vi.spyOn(performance, 'now').mockImplementation(() => this.#look(() => this.ms));
    vi.spyOn(Date, 'now').mockImplementation(() => this.#look(() => Math.floor(this.utc)));
  }

  get utc(): number {
    return STARTED_MS + this.ahead + this.ms;
  }

  /** ms between what a clock says and UTC. */
  error(clock: ProcessClock): number {
    const ns = nsOf(clock);
    const wholeMs = Math.floor(this.utc);
    return Number(ns - BigInt(wholeMs) * 1_000_000n) / 1e6 - (this.utc - wholeMs);
  }

  #look(read: () => number): number {
    const answer = read();
    this.ms += READING_MS;
    this.interruptAfter -= 1;
    if (this.interruptAfter === 0) this.ms += this.interruptMs;
    return answer;
  }
}

function nsOf(clock: ProcessClock): bigint {
  clock.read();
  return (BigInt(clock.high) << 32n) | BigInt(clock.low >>> 0);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('ProcessClock', () => {
  it('shows UTC to some microseconds, whatever the process holds its start for', () => {
    const world = new World();
    vi.spyOn(performance, 'timeOrigin', 'get').mockReturnValue(STARTED_MS - 8);
    expect(Math.abs(world.error(new ProcessClock()))).toBeLessThan(0.01);
  });

  it.each([0.7, 1.4, 6.3])(
    'stays right where its thread is interrupted for %d ms between any two looks',
    (ms) => {
      for (let looks = 1; looks < 600; looks += 1) {
        vi.restoreAllMocks();
        const world = new World();
        const clock = new ProcessClock();
        // Each is set by a second, so that all of it is done again.
        world.ahead = looks * 1000;
        world.interruptAfter = looks;
        world.interruptMs = ms;
        for (let call = 0; call < 3; call += 1) clock.adjust();
        world.interruptAfter = Number.POSITIVE_INFINITY;
        const error = world.error(clock);
        if (Math.abs(error) > 0.01) expect.fail(`${error} ms off after ${looks} looks`);
      }
    },
  );

  it.each([-3600_000, -5, 5, 3600_000])('follows the system clock that is set by %d ms', (ms) => {
    const world = new World();
    const clock = new ProcessClock();
    world.ahead = ms;
    clock.adjust();
    expect(Math.abs(world.error(clock))).toBeLessThan(0.01);
  });

  it('waits for no system clock that stands', () => {
    new World();
    const clock = new ProcessClock();
    vi.spyOn(Date, 'now').mockReturnValue(STARTED_MS + 3600_000);
    clock.adjust();
    expect(Math.abs(Number(nsOf(clock)) / 1e6 - STARTED_MS - 3600_000)).toBeLessThan(20);
  });

  it('is one for all threads, also when one of them corrects it', async () => {
    setEnvironmentData('mdx.process-clock', undefined);
    const [one, other] = [0, 1].map(() => startThread('../../world/clock-thread', import.meta.url, {}));
    const ask = async (thread: Worker, aheadMs: number | null = null): Promise<bigint> => {
      thread.postMessage(aheadMs);
      return (await once(thread, 'message'))[0];
    };
    try {
      for (const aheadMs of [0, 3600_000, -7200_000]) {
        const before = await ask(one!, aheadMs);
        const there = await ask(other!);
        expect(there).toBeGreaterThanOrEqual(before);
        expect(there).toBeLessThanOrEqual(await ask(one!));
      }
    } finally {
      await Promise.all([one!.terminate(), other!.terminate()]);
    }
  });
});
