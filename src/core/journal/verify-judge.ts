import type { DurableRecord } from './directory.ts';
import { epochText, sameEpoch } from './frame.ts';
import { type Mismatch, type SegmentFacts, sameSums, sumsText, type Unchecked } from './segment-facts.ts';
import { tailVerdict } from './segment-scan.ts';
import type { BadKind } from './segment-walk.ts';

/** What is not as it was written. `missing`: a segment, or what was promised to be durable, is not there. */
export interface Damage {
  readonly segment: number;
  readonly offset: number;
  readonly kind: BadKind | 'missing';
  readonly problem: string;
}

/** What was being written when its writer ended, and was never promised. */
export interface TornTail {
  readonly segment: number;
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** What the segments of a journal say together. */
export interface Judgement {
  readonly damage: readonly Damage[];
  readonly tornTail: TornTail | null;
  readonly passed: ReadonlyMap<string, number>;
  readonly failed: readonly (Mismatch & { readonly segment: number })[];
  readonly notPossible: readonly Unchecked[];
  readonly notApplicable: readonly Unchecked[];
}

export interface JudgeOptions {
  /** The segments are those of a directory; else one file, alone. */
  readonly isJournal: boolean;
  /** What the directory promises; null where there is no record, NOTHING_DURABLE where it cannot be read. */
  readonly durable: DurableRecord | null;
  /** A process writes the journal while it is read. */
  readonly isLive: boolean;
  /** Of this machine, empty where it is not known. */
  readonly bootId: string;
}

/** Judges segments, in the order of their numbers: each alone, how one follows the other, and how the last one ends. */
export function judge(segments: readonly SegmentFacts[], options: JudgeOptions): Judgement {
  const judging = new Judging(options);
  for (const [index, facts] of segments.entries()) {
    judging.alone(facts, index === segments.length - 1);
    const before = segments[index - 1];
    if (before === undefined) judging.first(facts);
    else if (judging.tornTail?.offset !== 0) judging.follows(before, facts);
  }
  judging.durable(segments);
  return judging;
}

class Judging implements Judgement {
  readonly damage: Damage[] = [];
  tornTail: TornTail | null = null;
  readonly passed: Map<string, number> = new Map();
  readonly failed: (Mismatch & { readonly segment: number })[] = [];
  readonly notPossible: Unchecked[] = [];
  readonly notApplicable: Unchecked[] = [];
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  alone(facts: SegmentFacts, isLast: boolean): void {
    const { number: segment, name } = facts;
    for (const [check, count] of facts.passed) this.#pass(check, count);
    for (const mismatch of facts.failed) this.failed.push({ segment, ...mismatch });
    for (const { check, why } of facts.notPossible) this.#cannot(check, `${name}: ${why}`);
    const isTorn = isLast && this.#end(facts);
    for (const bad of isTorn ? [] : facts.bad) this.damage.push({ segment, ...bad });
    if (facts.scan.hasImage === false && !isTorn && facts.scan.bad === null)
      this.#damage(segment, facts.scan.end, 'content', 'its image is not whole');
    if (!facts.scan.isClosed && facts.scan.bad === null && !isTorn) {
      const why = isLast && this.#options.isLive ? 'is being written' : 'was not closed';
      this.#cannot('close', `${name}: ${why}`);
    }
    if (this.#options.isJournal && facts.scan.firstFrame > 0 && facts.scan.segment !== segment)
      this.#damage(segment, 0, 'order', `${name} is segment ${facts.scan.segment} by what its frames say`);
  }

  /** Judges the end of the last segment. @returns whether it is torn. */
  #end({ scan, number: segment, name, isCompressed }: SegmentFacts): boolean {
    const { isJournal, durable, bootId } = this.#options;
    const tail = tailVerdict(scan, isJournal ? segment : scan.segment, durable, bootId);
    // What is compressed was closed.
    if (isCompressed && tail.verdict === 'torn') return false;
    if (tail.verdict === 'torn') {
      const { offset, bytes } = tail;
      this.tornTail = { segment, name, offset, bytes };
    } else if (tail.verdict === 'damaged' && scan.bad === null)
      this.#damage(segment, tail.bad.offset, 'missing', tail.bad.problem);
    return tail.verdict === 'torn';
  }

  first({ number, name, scan }: SegmentFacts): void {
    if (!this.#options.isJournal) {
      this.notApplicable.push({ check: 'chain', why: 'a segment that is read alone follows none' });
      this.notApplicable.push({ check: 'continuity', why: 'a segment that is read alone follows none' });
      return;
    }
    if (number > 1) this.#cannot('chain', `${name} is the first segment that is here`);
    else if (scan.head !== null && (scan.head.lastFrame !== 0n || scan.firstFrame !== 1))
      this.#damage(number, 0, 'chain', `the first segment begins with frame ${scan.firstFrame}`);
  }

  /** Does a segment go on where the one before ends, and with the same books? */
  follows(before: SegmentFacts, facts: SegmentFacts): void {
    for (let missing = before.number + 1; missing < facts.number; missing += 1) {
      this.#damage(missing, 0, 'missing', 'the segment is not here');
      if (missing - before.number >= MISSING_MAX) break;
    }
    const pair = `${before.name} and ${facts.name}`;
    const isNext = facts.number === before.number + 1;
    if (!isNext || before.scan.segment !== before.number || facts.scan.segment !== facts.number) {
      this.#cannot('chain', `${pair}: not one behind the other`);
      this.#cannot('continuity', `${pair}: not one behind the other`);
      return;
    }
    this.#chain(before, facts, pair);
    if (before.endSums === null || before.scan.bad !== null || facts.imageSums === null) {
      this.#cannot('continuity', `${pair}: the books of one of them are not known`);
      return;
    }
    const same = sameSums(before.endSums, facts.imageSums);
    if (same === true) this.#pass('continuity');
    else if (same === false) {
      const [expected, actual] = [sumsText(before.endSums), sumsText(facts.imageSums)];
      this.failed.push({ segment: facts.number, check: 'continuity', offset: 0, expected, actual });
    }
  }

  #chain(before: SegmentFacts, { number, scan }: SegmentFacts, pair: string): void {
    const { head } = scan;
    if (head === null) {
      this.#cannot('chain', `${pair}: the beginning of the second one is damaged`);
      return;
    }
    const last = Number(head.lastFrame);
    const isWhole = before.scan.bad === null;
    const follows =
      last === before.endFrame &&
      head.lastCrc === before.endCrc &&
      scan.firstFrame === last + 1 &&
      (!isWhole || scan.firstEvent === before.endEvent);
    if (follows) this.#pass('chain');
    else if (!isWhole) this.#cannot('chain', `${pair}: the first one is damaged`);
    else if (last > before.endFrame && !before.scan.isClosed) {
      const problem = `the next segment was written behind frame ${last}, the last one here is ${before.endFrame}`;
      this.#damage(before.number, before.scan.end, 'cut', problem);
    } else {
      const problem = `it was written behind frame ${last}, and not behind frame ${before.endFrame} of the segment before`;
      this.#damage(number, 0, 'chain', problem);
    }
  }

  /** Is what was promised there, and of this history? */
  durable(segments: readonly SegmentFacts[]): void {
    const { isJournal, durable } = this.#options;
    const last = segments.at(-1);
    if (!isJournal)
      this.notApplicable.push({ check: 'durable', why: 'only a directory has a durable record' });
    else if (durable === null) this.#cannot('durable', 'there is no durable record');
    else if (durable.segment === 0) this.#cannot('durable', 'the durable record is garbled');
    else if (last === undefined)
      this.#damage(durable.segment, 0, 'missing', `event ${durable.event} was durable`);
    else {
      const its = segments.find(({ number }) => number === durable.segment);
      const isOther =
        its !== undefined && its.scan.firstFrame > 0 && !sameEpoch(its.scan.epoch, durable.epoch);
      if (isOther) {
        const [expected, actual] = [epochText(durable.epoch), epochText(its.scan.epoch)];
        this.failed.push({
          segment: its.number,
          check: 'durable',
          offset: durable.offset,
          expected: `epoch ${expected}`,
          actual: `epoch ${actual}`,
        });
      } else if (!this.damage.some(({ kind, segment }) => kind === 'missing' && segment === last.number))
        this.#pass('durable');
    }
  }

  #pass(check: string, count = 1): void {
    this.passed.set(check, (this.passed.get(check) ?? 0) + count);
  }

  #cannot(check: string, why: string): void {
    this.notPossible.push({ check, why });
  }

  #damage(segment: number, offset: number, kind: Damage['kind'], problem: string): void {
    this.damage.push({ segment, offset, kind, problem });
  }
}

/** Missing segments that are named one by one. */
const MISSING_MAX = 1000;
