import { MdxError } from '../errors.ts';
import { PacketPool } from '../packet/packet-pool.ts';
import { Ring } from '../packet/ring.ts';
import { startThread } from '../threads/start-thread.ts';
import {
  SOAK_GO,
  SOAK_RETURNED,
  SOAK_STOP,
  type SoakCounts,
  type SoakLinePlan,
  type SoakPlan,
} from './soak-plan.ts';

export interface SoakOptions {
  /** Slots of the pool; every worker has its share. */
  readonly buffers: number;
  /** Bytes of a slot, a multiple of 64. */
  readonly size: number;
  /** How often `burst` packets are handed over, all workers together. */
  readonly iterations: number;
  readonly burst: number;
  /** Threads that fill; one more checks. */
  readonly workers: number;
  readonly signal: AbortSignal | null;
  /** Told now and then how many packets came back. */
  readonly progress: (packets: number) => void;
}

/** Memory of the process and of the threads' JavaScript objects, bytes. */
export interface SoakMemory {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** What `mdx pool-soak --json` prints, but for what all reports have. */
export interface SoakResult {
  readonly verdict: 'pass' | 'fail';
  readonly buffers: number;
  readonly size: number;
  readonly iterations: number;
  readonly burst: number;
  readonly workers: number;
  /** Packets that were handed over, checked and given back. */
  readonly ops: number;
  readonly opsPerSecond: number;
  readonly preallocatedBytes: number;
  readonly misses: number;
  readonly returnDrops: number;
  /** Slots that were nowhere in the end. */
  readonly leaked: number;
  readonly duplicated: number;
  readonly torn: number;
  readonly outOfOrder: number;
  /** Packets that were handed over and did not come, or were never sent. */
  readonly missing: number;
  readonly memory: { readonly start: SoakMemory; readonly middle: SoakMemory; readonly end: SoakMemory };
  readonly elapsedNs: number;
}

const PROGRESS_MS = 100;

/**
 * Hands the slots of a packet pool between threads and back, as receivers and a merge do, and proves that none is
 * lost, doubled or written over: every word of every packet is checked, and in the end every slot is counted.
 */
export async function soakPool(options: SoakOptions): Promise<SoakResult> {
  const soak = new Soak(options);
  return soak.run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #control: Int32Array;
  readonly #owners: Int32Array;
  readonly #pool: PacketPool;
  readonly #lines: SoakLinePlan[] = [];

  constructor(options: SoakOptions) {
    const { buffers, size, iterations, burst, workers } = options;
    if (Math.floor(buffers / workers) < burst) {
      throw new MdxError(
        'usage',
        `--burst ${burst}: more than each of ${workers} workers has of ${buffers} buffers`,
      );
    }
    this.#options = options;
    this.#control = new Int32Array(new SharedArrayBuffer((SOAK_RETURNED + workers) * 4));
    this.#owners = new Int32Array(new SharedArrayBuffer(buffers * 4));
    this.#pool = new PacketPool(buffers, size);
    // Touched before the first look at the memory: what is measured then is growth.
    this.#pool.bytes.fill(0);
    for (let line = 0, slot = 0; line < workers; line += 1) {
      const slots = share(buffers, workers, line);
      this.#lines.push(linePlan(slot, slots, share(iterations, workers, line)));
      slot += slots;
    }
  }

  async run(): Promise<SoakResult> {
    const { workers, signal, progress } = this.#options;
    const control = this.#control;
    const threads = [null, ...Array.from({ length: workers }, (_, line) => line)].map((fills) =>
      this.#start(fills),
    );
    const stop = (): void => {
      Atomics.store(control, SOAK_STOP, 1);
    };
    signal?.addEventListener('abort', stop);
    const timer = setInterval(() => progress(this.#returned()), PROGRESS_MS);
    try {
      await Promise.all(threads.map(({ ready }) => ready));
      const started = process.hrtime.bigint();
      Atomics.store(control, SOAK_GO, 1);
      Atomics.notify(control, SOAK_GO);
      const counts = await Promise.all(threads.map(({ counts }) => counts));
      return this.#result(counts, Number(process.hrtime.bigint() - started));
    } catch (error) {
      stop();
      Atomics.store(control, SOAK_GO, 1);
      Atomics.notify(control, SOAK_GO);
      throw error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', stop);
      await Promise.allSettled(threads.map(({ ended }) => ended));
    }
  }

  #start(fills: number | null): SoakThread {
    const { buffers, size, burst } = this.#options;
    return new SoakThread({
      control: this.#control,
      owners: this.#owners,
      pool: this.#pool.memory,
      buffers,
      size,
      burst,
      lines: this.#lines,
      fills,
    });
  }

  #returned(): number {
    return this.#lines.reduce((sum, _, line) => sum + Atomics.load(this.#control, SOAK_RETURNED + line), 0);
  }

  #result([checker, ...fillers]: SoakCounts[], elapsedNs: number): SoakResult {
    const { buffers, size, iterations, burst, workers, signal } = this.#options;
    const all = [checker!, ...fillers];
    const sum = (count: (counts: SoakCounts) => number): number =>
      all.reduce((total, counts) => total + count(counts), 0);
    const slots = countSlots(buffers, this.#lines);
    const wanted =
      signal?.aborted === true ? sum(({ packets }) => packets) - checker!.packets : iterations * burst;
    const faults = {
      misses: sum(({ misses }) => misses),
      returnDrops: checker!.returnDrops,
      leaked: slots.leaked,
      duplicated: sum(({ duplicated }) => duplicated) + slots.duplicated,
      torn: checker!.torn,
      outOfOrder: checker!.outOfOrder,
      missing: wanted - checker!.packets,
    };
    const memory = (at: number): SoakMemory => ({
      residentBytes: checker!.residentBytes[at] ?? checker!.residentBytes.at(-1)!,
      heapBytes: sum(({ heapBytes }) => heapBytes[at] ?? heapBytes.at(-1)!),
    });
    return {
      verdict: Object.values(faults).every((count) => count === 0) ? 'pass' : 'fail',
      buffers,
      size,
      iterations,
      burst,
      workers,
      ops: checker!.packets,
      opsPerSecond: Math.round(checker!.packets / (elapsedNs / 1e9)),
      preallocatedBytes: this.#pool.memory.byteLength,
      ...faults,
      memory: { start: memory(0), middle: memory(1), end: memory(2) },
      elapsedNs,
    };
  }
}

/** A thread of the soak as its parent sees it. */
class SoakThread {
  readonly ready: Promise<void>;
  readonly counts: Promise<SoakCounts>;
  readonly ended: Promise<void>;

  constructor(plan: SoakPlan) {
    const worker = startThread('./soak-thread', import.meta.url, { workerData: plan });
    const failed = new Promise<never>((_, reject) => {
      worker.on('error', (error) =>
        reject(new MdxError('internal', `soaking in a thread of its own: ${(error as Error).message}`)),
      );
    });
    const answers = new Promise<SoakCounts>((resolve) => {
      worker.on('message', (message) => {
        if (message !== 'ready') resolve(message as SoakCounts);
      });
    });
    this.ready = Promise.race([
      new Promise<void>((resolve) => worker.once('message', () => resolve())),
      failed,
    ]);
    this.counts = Promise.race([answers, failed]);
    this.ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    // Whoever waits for the others first must not leave this one unheard.
    this.counts.catch(() => {});
  }
}

/** A line's rings, with its slots free. */
export function linePlan(firstSlot: number, slots: number, iterations: number): SoakLinePlan {
  const capacity = 2 ** Math.ceil(Math.log2(slots));
  const free = new Ring(capacity);
  for (let slot = 0; slot < slots; slot += 1) free.put(firstSlot + slot);
  free.publish();
  return { iterations, slots, capacity, free: free.memory, filled: new Ring(capacity).memory };
}

/** Every slot has to be free again, once. */
export function countSlots(
  buffers: number,
  lines: readonly SoakLinePlan[],
): { readonly leaked: number; readonly duplicated: number } {
  const seen = new Uint8Array(buffers);
  let duplicated = 0;
  for (const { capacity, free: memory } of lines) {
    const free = new Ring(capacity, memory);
    for (let slot = free.take(); slot >= 0; slot = free.take()) {
      duplicated += seen[slot]!;
      seen[slot] = 1;
    }
  }
  return { leaked: seen.reduce((count, isSeen) => count + 1 - isSeen, 0), duplicated };
}

/** What part `index` of `parts` has of a whole, as equal as can be. */
function share(whole: number, parts: number, index: number): number {
  return Math.floor(((index + 1) * whole) / parts) - Math.floor((index * whole) / parts);
}
