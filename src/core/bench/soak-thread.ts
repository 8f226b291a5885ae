import { parentPort, workerData } from 'node:worker_threads';
import { PacketPool } from '../packet/packet-pool.ts';
import { Ring } from '../packet/ring.ts';
import { SoakChecker, SoakFiller, type SoakLine } from './soak-line.ts';
import {
  SOAK_ENDED,
  SOAK_GO,
  SOAK_RETURNED,
  SOAK_STOP,
  type SoakCounts,
  type SoakPlan,
} from './soak-plan.ts';

/*
 * One thread of a soak: fills the packets of one line, or checks those of all. Says that it is ready, waits for the
 * word to go, and answers with its counts.
 */

/** Empty looks before a thread sleeps, and how long it sleeps at most. */
const LOOKS = 200;
const SLEEP_MS = 1;
/** So many ms without a packet given back: nothing will come any more. */
const STALLED_MS = 5000;

function linesOf({ lines, pool: memory, buffers, size, owners }: SoakPlan): SoakLine[] {
  const pool = new PacketPool(buffers, size, memory);
  return lines.map((plan, line) => ({
    line,
    pool,
    owners,
    free: new Ring(plan.capacity, plan.free),
    filled: new Ring(plan.capacity, plan.filled),
  }));
}

function fill(plan: SoakPlan, line: SoakLine): SoakCounts {
  const { control, burst } = plan;
  const { iterations, slots } = plan.lines[line.line]!;
  const filler = new SoakFiller(line);
  const memory = new MemorySeries(false);
  memory.look();
  for (let iteration = 0; iteration < iterations; iteration += 1) {
    if (!hasRoom(control, SOAK_RETURNED + line.line, slots - burst, filler)) break;
    filler.burst(burst);
    if (iteration === iterations >> 1) memory.look();
  }
  Atomics.add(control, SOAK_ENDED, 1);
  memory.look();
  const { sent: packets, misses, duplicated } = filler;
  return { packets, misses, duplicated, returnDrops: 0, outOfOrder: 0, torn: 0, ...memory.series };
}

/** Waits until at most so many packets are on their way. @returns false where it should end. */
function hasRoom(control: Int32Array, word: number, onTheirWay: number, filler: SoakFiller): boolean {
  for (;;) {
    if (Atomics.load(control, SOAK_STOP) !== 0) return false;
    const returned = Atomics.load(control, word);
    if (((filler.sent - returned) | 0) <= onTheirWay) return true;
    if (Atomics.wait(control, word, returned, STALLED_MS) === 'timed-out') return false;
  }
}

function check(plan: SoakPlan, lines: readonly SoakLine[]): SoakCounts {
  const { control, burst } = plan;
  const checkers = lines.map((line) => new SoakChecker(line));
  const half = plan.lines.reduce((sum, { iterations }) => sum + iterations * burst, 0) / 2;
  const memory = new MemorySeries(true);
  memory.look();
  let packets = 0;
  for (let looks = 0; ; looks += 1) {
    // First whether all have ended, then whether there is something left of them.
    const ended = Atomics.load(control, SOAK_ENDED) === lines.length;
    const taken = round(checkers, control, burst);
    if (taken > 0) {
      looks = 0;
      if (packets < half && packets + taken >= half) memory.look();
      packets += taken;
    } else if (ended) break;
    else if (looks > LOOKS) lines[looks % lines.length]!.filled.wait(SLEEP_MS);
  }
  memory.look();
  const sum = (count: (checker: SoakChecker) => number): number =>
    checkers.reduce((total, checker) => total + count(checker), 0);
  return {
    packets,
    misses: 0,
    duplicated: sum(({ duplicated }) => duplicated),
    returnDrops: sum(({ returnDrops }) => returnDrops),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder),
    torn: sum(({ torn }) => torn),
    ...memory.series,
  };
}

function round(checkers: readonly SoakChecker[], control: Int32Array, burst: number): number {
  let taken = 0;
  for (let line = 0; line < checkers.length; line += 1) {
    const count = checkers[line]!.burst(burst);
    if (count === 0) continue;
    taken += count;
    Atomics.add(control, SOAK_RETURNED + line, count);
    Atomics.notify(control, SOAK_RETURNED + line);
  }
  return taken;
}

class MemorySeries {
  readonly series: { readonly heapBytes: number[]; readonly residentBytes: number[] } = {
    heapBytes: [],
    residentBytes: [],
  };
  readonly #residentToo: boolean;

  constructor(residentToo: boolean) {
    this.#residentToo = residentToo;
  }

  look(): void {
    const { heapBytes, residentBytes } = this.series;
    heapBytes.push(process.memoryUsage().heapUsed);
    if (this.#residentToo) residentBytes.push(process.memoryUsage.rss());
  }
}

const plan = workerData as SoakPlan;
const lines = linesOf(plan);
parentPort!.postMessage('ready');
Atomics.wait(plan.control, SOAK_GO, 0);
parentPort!.postMessage(plan.fills === null ? check(plan, lines) : fill(plan, lines[plan.fills]!));
