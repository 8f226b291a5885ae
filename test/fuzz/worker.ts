import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Outcomes, runCases, type Target } from './target.ts';
import { makeTargets } from './targets.ts';

/** What a worker is told. */
export interface Work {
  readonly seed: number;
  /** Cases in all, shared out among the targets. */
  readonly count: number;
  /** Only this one. */
  readonly target: string | null;
  /** Only this case, with those of its episode in front of it. */
  readonly only: number | null;
  /** Rounds that the cases are cut into; memory is measured behind each. */
  readonly rounds: number;
  /** Index of the running target and number of the running case; −1 while none runs. */
  readonly place: Int32Array;
}

/** Memory after a collection, bytes. */
export interface Memory {
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
}

/** What a worker tells. */
export type Report =
  | { readonly kind: 'targets'; readonly names: readonly string[]; readonly titles: readonly string[] }
  | { readonly kind: 'round'; readonly round: number; readonly cases: number; readonly memory: Memory }
  | {
      readonly kind: 'target';
      readonly name: string;
      readonly cases: number;
      readonly ms: number;
      readonly outcomes: readonly (readonly [string, number])[];
    }
  | { readonly kind: 'failure'; readonly target: string; readonly case: number; readonly text: string }
  | { readonly kind: 'done' };

const SWEEP_MS = 20;

interface Quota {
  readonly target: Target;
  readonly index: number;
  readonly cases: number;
  readonly outcomes: Outcomes;
  done: number;
  ms: number;
}

const work = workerData as Work;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
await main();

async function main(): Promise<void> {
  const targets = makeTargets();
  tell({
    kind: 'targets',
    names: targets.map(({ name }) => name),
    titles: targets.map(({ title }) => title),
  });
  const quotas = quotasOf(targets);
  for (let round = 1; round <= work.rounds; round += 1) {
    for (const quota of quotas) if (!(await runPart(quota, round))) return;
    tell({
      kind: 'round',
      round,
      cases: quotas.reduce((sum, { done }) => sum + done, 0),
      memory: await measure(),
    });
  }
  for (const { target, done, ms, outcomes } of quotas)
    tell({ kind: 'target', name: target.name, cases: done, ms, outcomes: [...outcomes.counts] });
  tell({ kind: 'done' });
}

function quotasOf(targets: readonly Target[]): Quota[] {
  const chosen = targets.filter(({ name }) => work.target === null || work.target === name);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  return chosen.map((target) => ({
    target,
    index: targets.indexOf(target),
    cases: work.only === null ? Math.max(1, Math.round((work.count * target.share) / shares)) : work.only + 1,
    outcomes: new Outcomes(),
    done: work.only === null ? 0 : work.only - (work.only % target.casesPerEpisode),
    ms: 0,
  }));
}

/** Runs a target's part of a round, whole episodes but for the last. @returns false after a failure. */
async function runPart(quota: Quota, round: number): Promise<boolean> {
  const { target, index, cases, outcomes } = quota;
  const { place, rounds, seed } = work;
  const episodes = Math.ceil(((cases / target.casesPerEpisode) * round) / rounds);
  const to = round === rounds ? cases : Math.min(cases, episodes * target.casesPerEpisode);
  const probe = (number: number): void => {
    place[1] = number;
    place[0] = index;
  };
  const start = performance.now();
  try {
    if (to > quota.done) await runCases(target, { seed, from: quota.done, to, probe, outcomes });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ kind: 'failure', target: target.name, case: place[1]!, text });
    return false;
  } finally {
    place[0] = -1;
  }
  quota.done = Math.max(quota.done, to);
  quota.ms += performance.now() - start;
  return true;
}

/** Array buffers are freed on a helper thread behind the first collection; the second one waits for that. */
async function measure(): Promise<Memory> {
  collect();
  await setTimeout(SWEEP_MS);
  collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, resident: rss };
}

function tell(report: Report): void {
  parentPort!.postMessage(report);
}
