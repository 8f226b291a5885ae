import { Worker } from 'node:worker_threads';
import type { Memory, Report, Work } from './worker.ts';

/** A case that takes longer hangs. */
const CASE_MS_MAX = 20_000;
/** Loading the targets may take this long. */
const START_MS_MAX = 60_000;
const LOOK_MS = 500;
/** A case that needs more heap or more memory in all is a finding. */
const HEAP_MB_MAX = 768;
const RESIDENT_BYTES_MAX: number = 2 * 1024 ** 3;

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  readonly target: string | null;
  readonly only: number | null;
  readonly rounds: number;
  readonly onReport: (report: Report) => void;
}

/** The case that broke something. */
export interface Finding {
  readonly target: string;
  readonly case: number;
  readonly text: string;
}

export interface CampaignResult {
  readonly finding: Finding | null;
  readonly cases: number;
  /** Behind each round. */
  readonly memory: readonly Memory[];
}

/**
 * Runs cases in a worker thread and watches it from here: an exception, a case that does not end, and memory
 * without end are findings, and each names its case.
 */
export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const place = new Int32Array(new SharedArrayBuffer(8));
  place[0] = -1;
  const { seed, count, target, only, rounds } = options;
  const work: Work = { seed, count, target, only, rounds, place };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: work,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  const watch = new Watch(options, place);
  const result = await new Promise<CampaignResult>((resolve) => {
    const timer = setInterval(() => {
      const finding = watch.look();
      if (finding !== null) finish(finding);
    }, LOOK_MS);
    const finish = (finding: Finding | null): void => {
      clearInterval(timer);
      resolve({ finding, cases: watch.cases, memory: watch.memory });
    };
    worker.on('message', (report: Report) => {
      const finding = watch.take(report);
      if (finding !== null) finish(finding);
      else if (report.kind === 'done') finish(null);
    });
    worker.on('error', (error: Error) => finish(watch.here(error.stack ?? error.message)));
    worker.on('exit', (code) => finish(watch.here(`the worker has left with code ${code}`)));
  });
  await worker.terminate();
  return result;
}

/** What is known of the worker. */
class Watch {
  readonly memory: Memory[] = [];
  cases = 0;
  readonly #options: CampaignOptions;
  readonly #place: Int32Array;
  readonly #started: number = performance.now();
  #names: readonly string[] = [];
  #seenTarget = -1;
  #seenCase = -1;
  #since = 0;

  constructor(options: CampaignOptions, place: Int32Array) {
    this.#options = options;
    this.#place = place;
  }

  take(report: Report): Finding | null {
    this.#options.onReport(report);
    if (report.kind === 'targets') {
      this.#names = report.names;
      const { target } = this.#options;
      if (target !== null && !report.names.includes(target))
        return { target, case: 0, text: `no such target; there are ${report.names.join(', ')}` };
    } else if (report.kind === 'round') {
      this.memory.push(report.memory);
      this.cases = report.cases;
    } else if (report.kind === 'failure') return report;
    return null;
  }

  /** Looks whether the worker gets on. */
  look(): Finding | null {
    const now = performance.now();
    const [target, number] = [Atomics.load(this.#place, 0), Atomics.load(this.#place, 1)];
    if (this.#names.length === 0)
      return now - this.#started > START_MS_MAX ? this.here(`not started within ${START_MS_MAX} ms`) : null;
    if (target < 0 || target !== this.#seenTarget || number !== this.#seenCase) {
      this.#seenTarget = target;
      this.#seenCase = number;
      this.#since = now;
    } else if (now - this.#since > CASE_MS_MAX)
      return this.here(`hangs: the case does not end within ${CASE_MS_MAX} ms`);
    const { rss } = process.memoryUsage();
    return rss > RESIDENT_BYTES_MAX ? this.here(`memory: ${rss} bytes are resident`) : null;
  }

  /** A finding at the running case. */
  here(text: string): Finding {
    return { target: this.#names[this.#place[0]!] ?? 'none', case: this.#place[1]!, text };
  }
}

/** The line that runs one case again. */
export function replayLine(seed: number, target: string, number: number): string {
  return `npm run fuzz -- --seed ${seed} --target ${target} --only ${number}`;
}
