import { Random } from '../../src/core/binary/random.ts';

/** Something that must hold and does not. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** Throws Broken unless `found` is `expected`. */
export function same<T>(what: string, found: T, expected: T): void {
  if (!Object.is(found, expected))
    throw new Broken(`${what}: found ${String(found)}, expected ${String(expected)}`);
}

/** Throws Broken with the words of `what` unless it holds. */
export function holds(holding: boolean, what: string): void {
  if (!holding) throw new Broken(what);
}

/** What became of the cases of one target, by name. */
export class Outcomes {
  readonly counts: Map<string, number> = new Map();

  add(outcome: string, count = 1): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + count);
  }
}

/** Cases that share what production shares between inputs, as the books of one capture; one after the other. */
export interface Episode {
  /** One mutated input and its oracles. Whatever it throws is a finding. */
  next(): void | Promise<void>;
  /** What can only be judged when the input has ended. */
  end(): void | Promise<void>;
}

/** One thing to be fuzzed. */
export interface Target {
  readonly name: string;
  /** What the mutants are, and what must hold. */
  readonly title: string;
  /** Cases of every thousand of a campaign. */
  readonly share: number;
  readonly casesPerEpisode: number;
  start(random: Random, outcomes: Outcomes): Episode;
}

export interface CaseRange {
  readonly seed: number;
  /** A multiple of the target's `casesPerEpisode`. */
  readonly from: number;
  readonly to: number;
  /** Told the number of every case before it runs. */
  readonly probe: (number: number) => void;
  readonly outcomes: Outcomes;
}

/** Runs cases `from` … `to − 1`. Case N is the same in every campaign with the seed, whatever else is run. */
export async function runCases(target: Target, range: CaseRange): Promise<void> {
  const { seed, from, to, probe, outcomes } = range;
  const { casesPerEpisode } = target;
  for (let first = from; first < to; first += casesPerEpisode) {
    const random = new Random(seedOf(seed, target.name, first / casesPerEpisode));
    const episode = target.start(random, outcomes);
    const end = Math.min(first + casesPerEpisode, to);
    for (let number = first; number < end; number += 1) {
      probe(number);
      const waiting = episode.next();
      if (waiting !== undefined) await waiting;
    }
    const waiting = episode.end();
    if (waiting !== undefined) await waiting;
  }
}

function seedOf(seed: number, name: string, episode: number): number {
  let mixed = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1);
  for (let at = 0; at < name.length; at += 1) mixed = Math.imul(mixed ^ name.charCodeAt(at), 0x01000193);
  mixed ^= mixed >>> 15;
  return Math.imul(mixed ^ episode, 0x85ebca6b) ^ (episode << 7);
}
