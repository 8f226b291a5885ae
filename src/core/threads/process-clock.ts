import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;
/** The system's clock was set, or the other one runs away: ms. */
const DIFFERENCE_MS_MAX = 2;
/** A thread that had the processor all the while reads three clocks in less: ms. */
const READING_MS = 0.02;
const READINGS_MOST = 5;
/** A millisecond begins sooner, unless the system's clock stands. */
const WAITED_MS_MAX = 2;
/** Of `getEnvironmentData`: memory of the correction. */
const CORRECTION = 'mdx.process-clock';

/**
 * UTC as this process sees it, to about a microsecond, in halves and without allocating: for packets that have no
 * time of the kernel, and for what is noted about the stream. All clocks of a process show the same at the same moment,
 * on whatever thread they are read: they share what is corrected.
 */
export class ProcessClock {
  high = 0;
  low = 0;
  /**
   * ms by which `performance.timeOrigin`, which all threads have in common, is off: it is read while the process starts
   * and wrong by as much as that was interrupted, and the system's clock may be set later.
   */
  readonly #correction: Float64Array = sharedCorrection();
  readonly #origin: number = performance.timeOrigin;

  constructor() {
    this.adjust();
  }

  /** Sets `high` and `low` to now, ns since 1970. */
  read(): void {
    const ms = this.#origin + this.#correction[0]! + performance.now();
    const seconds = Math.floor(ms / 1000);
    const nanos = Math.floor((ms - seconds * 1000) * 1000) * 1000;
    const low = (Math.imul(seconds, NS_PER_SECOND) + nanos) | 0;
    this.low = low;
    this.high = Math.floor((seconds * NS_PER_SECOND + nanos - (low >>> 0)) / TWO_32 + 0.5) | 0;
  }

  /** Follows the system's clock where it was set; to be called now and then. */
  adjust(): void {
    // Date.now cuts to the millisecond.
    const difference = Date.now() + 0.5 - (this.#origin + this.#correction[0]! + performance.now());
    if (Math.abs(difference) <= DIFFERENCE_MS_MAX) return;
    this.#correction[0] = originNow() - this.#origin;
  }
}

/** So that the clocks of a thread to be started share the correction of this one. */
export function shareClock(): void {
  sharedCorrection();
}

function sharedCorrection(): Float64Array {
  const known = getEnvironmentData(CORRECTION);
  if (known instanceof SharedArrayBuffer) return new Float64Array(known);
  const memory = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  setEnvironmentData(CORRECTION, memory);
  return new Float64Array(memory);
}

/** UTC at which `performance.now` was 0: ms, read where a millisecond of the system's clock begins. */
function originNow(): number {
  let origin = 0;
  let tightest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < READINGS_MOST && tightest > READING_MS; reading += 1) {
    const started = performance.now();
    const first = Date.now();
    let before = started;
    let between = performance.now();
    let date = Date.now();
    // The millisecond began between the look before the last and the last.
    while (date === first && between - started < WAITED_MS_MAX) {
      before = between;
      between = performance.now();
      date = Date.now();
    }
    const after = performance.now();
    // Set meanwhile, interrupted for longer than a millisecond, or none began: then nobody knows which one it is.
    const width = date === first + 1 ? after - before : Number.MAX_VALUE;
    if (width >= tightest) continue;
    tightest = width;
    origin = date - (before + after) / 2;
  }
  return origin;
}
