import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Random } from '../../../src/core/binary/random.ts';
import { LOCK_NAME } from '../../../src/core/journal/directory.ts';
import type { Epoch } from '../../../src/core/journal/frame.ts';
import { type JournalOptions, JournalWriter } from '../../../src/core/journal/journal-writer.ts';
import { type DiskCall, type Failure, FaultingDisk } from '../faulting-disk.ts';
import { type Recovery, recover } from './recovery.ts';
import { verdictOf } from './verdict.ts';
import { journalBooks, stateOf, Workload } from './workload.ts';

const DIRECTORY = 'j';
const LIVES = 5;

/**
 * How a writer ends before its work is done: it is closed, its process goes away, it is closed and the power goes, the power
 * goes in a call of the disk, or a call fails, and with `lasts` all behind it.
 */
export type End =
  | { readonly kind: 'clean' | 'crash' | 'off'; readonly steps: number }
  | { readonly kind: 'power'; readonly call: number }
  | { readonly kind: 'fault'; readonly call: number; readonly code: Failure; readonly lasts: boolean };

/** What happens in one case, all drawn from its seed. */
export interface PowerLossCase {
  readonly seed: number;
  readonly events: number;
  readonly options: Pick<
    JournalOptions,
    'fsync' | 'commitMs' | 'segmentBytes' | 'segmentEvents' | 'keepBytes' | 'keepNs' | 'compress'
  >;
  /** What all writers but the first one keep. */
  readonly keepBytesLater: number | null;
}

/** What came of it, for the sum of a campaign. */
export interface PowerLossResult {
  powerLosses: number;
  crashes: number;
  faults: number;
  /** Ends of a last segment that were no whole frame. */
  torn: number;
  /** Events that had not been acknowledged and were lost. */
  lost: number;
  /** Events that had not been acknowledged and were there. */
  kept: number;
  segments: number;
  compressed: number;
  /** Looks at a journal whose first segments are gone. */
  removed: number;
}

export const NO_LOSSES: PowerLossResult = {
  powerLosses: 0,
  crashes: 0,
  faults: 0,
  torn: 0,
  lost: 0,
  kept: 0,
  segments: 0,
  compressed: 0,
  removed: 0,
};

export function addTo(sum: PowerLossResult, more: PowerLossResult): void {
  for (const key of Object.keys(sum) as (keyof PowerLossResult)[]) sum[key] += more[key];
}

export function caseOf(seed: number): PowerLossCase {
  const random = new Random(seed);
  const one = <T>(choices: readonly T[]): T => choices[random.below(choices.length)]!;
  return {
    seed,
    events: one([60, 200, 400]),
    options: {
      fsync: one([
        { kind: 'never' },
        { kind: 'batch' },
        { kind: 'interval', ms: 3 },
        { kind: 'interval', ms: 40 },
      ]),
      commitMs: one([0, 2, 10]),
      segmentBytes: one([256e6, 20_000, 6000]),
      segmentEvents: one([5e6, 120, 40]),
      keepBytes: one([null, null, 40_000]),
      keepNs: one([null, null, 50e6]),
      compress: one([false, true]),
    },
    keepBytesLater: one([null, null, 40_000, 12_000]),
  };
}

/** Runs a case: lives of writers that each end badly, one after another, and a last one that does all the rest. */
export function runPowerLoss(given: PowerLossCase): PowerLossResult {
  const random = new Random(given.seed ^ 0x11fe);
  return runLives(
    given,
    Array.from({ length: LIVES }, () => drawEnd(random)),
  );
}

/** The same with ends that are given. */
export function runLives(given: PowerLossCase, ends: readonly End[]): PowerLossResult {
  return new PowerLossRun(given).run(ends);
}

/** The calls of the disk that one writer makes for all of a case, from 1. */
export function callsOf(given: PowerLossCase): readonly DiskCall[] {
  const run = new PowerLossRun(given);
  run.run([]);
  return run.calls;
}

function drawEnd(random: Random): End {
  const call = 1 + random.below(random.below(2) === 0 ? 40 : 400);
  const code = random.below(2) === 0 ? 'EIO' : 'ENOSPC';
  const kinds = ['clean', 'crash', 'off', 'fault', 'power', 'power', 'power'] as const;
  const kind = kinds[random.below(kinds.length)]!;
  if (kind === 'fault') return { kind, call, code, lasts: random.below(2) === 0 };
  return kind === 'power' ? { kind, call } : { kind, steps: random.below(20) };
}

class PowerLossRun {
  readonly #case: PowerLossCase;
  readonly #random: Random;
  readonly #workload: Workload;
  readonly #result: PowerLossResult = { ...NO_LOSSES };
  #disk: FaultingDisk;
  #boot = 1;
  #clock = 0;
  #lives = 0;
  /** Epochs that may not go on, and the last segment of each. */
  readonly #ended: Map<string, number> = new Map();
  /** Highest position that any writer called durable. */
  #acknowledged = 0;
  /** The last event that a writer was given. */
  #given = 0;

  constructor(given: PowerLossCase) {
    this.#case = given;
    this.#random = new Random(given.seed ^ 0x5eed);
    this.#workload = new Workload(given.seed, given.events);
    this.#disk = new FaultingDisk(this.#random);
  }

  /** Of the last writer. */
  calls: DiskCall[] = [];

  run(ends: readonly End[]): PowerLossResult {
    let before: Recovery | null = null;
    for (const end of ends) before = this.#live(before, end);
    const last = this.#live(before, null);
    assert.equal(last.firstEvent + last.rows.length - 1, this.#workload.events);
    assert.ok(last.segments.at(-1)!.isClosed);
    return this.#result;
  }

  /** One writer, from its opening to its end. @returns what is on the disk then. */
  #live(before: Recovery | null, end: End | null): Recovery {
    const disk = this.#disk;
    const first = disk.calls;
    this.#lives += 1;
    let isPowerOff = false;
    this.calls = [];
    disk.failureOf = (call) => {
      this.calls.push({ ...call, number: call.number - first });
      const failure = failureOf(end, call, first);
      isPowerOff ||= failure === 'power';
      return failure;
    };
    const isCrash = this.#write(before, end, () => isPowerOff);
    disk.failureOf = () => null;
    const isOff = end?.kind === 'power' || end?.kind === 'off' || this.#waitsForBoot(end);
    if (isOff) {
      this.#disk = disk.powerOff();
      this.#boot += 1;
      this.#result.powerLosses += 1;
    } else if (isCrash) this.#result.crashes += 1;
    this.#forgetLock();
    return this.#check(end, isOff);
  }

  /** Removes a lock that names this process, which is to be taken for gone, or nobody, whom a writer would wait for. */
  #forgetLock(): void {
    if (this.#disk.list(DIRECTORY).includes(LOCK_NAME)) this.#disk.remove(join(DIRECTORY, LOCK_NAME));
  }

  /** @returns whether the writer left without being asked to close. */
  #write(before: Recovery | null, end: End | null, isPowerOff: () => boolean): boolean {
    let writer: JournalWriter;
    try {
      writer = JournalWriter.open(this.#options());
    } catch (error) {
      assert.ok(end?.kind === 'power' || end?.kind === 'fault', `opening: ${String(error)}`);
      assert.match(String((error as { code?: unknown }).code), /^journal-(full|failed)$/);
      return true;
    }
    this.#checkFound(writer, before);
    const books = before?.books ?? this.#workload.emptyBooks();
    let steps = end !== null && 'steps' in end ? end.steps : Number.POSITIVE_INFINITY;
    this.#acknowledge(writer);
    writer.begin({ timeBase: 'utc', sources: [{ feed: 'x', name: 'x' }] }, journalBooks(books));
    this.#acknowledge(writer);
    this.#workload.play(
      books,
      writer.found.lastEvent,
      this.#workload.events,
      (batch, from, to) => {
        writer.append(batch, from, to);
        this.#acknowledge(writer);
      },
      () => {
        this.#clock += this.#random.below(4);
        if (this.#random.below(3) === 0) writer.commit();
        this.#acknowledge(writer);
        writer.tick();
        this.#acknowledge(writer);
        steps -= 1;
        return steps > 0 && !isPowerOff();
      },
    );
    if (end?.kind === 'crash' || isPowerOff()) return true;
    writer.close();
    this.#acknowledge(writer);
    if (isPowerOff()) return true;
    if (end === null || 'steps' in end) assert.ok(!this.#disk.list(DIRECTORY).includes(LOCK_NAME));
    if (writer.failure === null) return false;
    assert.equal(end?.kind, 'fault', `failed: ${writer.failure.message}`);
    this.#result.faults += 1;
    return true;
  }

  #options(): JournalOptions {
    const { options, keepBytesLater } = this.#case;
    return {
      ...options,
      keepBytes: this.#lives === 1 ? options.keepBytes : keepBytesLater,
      disk: this.#disk,
      directory: DIRECTORY,
      version: '0.0.0',
      bootId: this.#boot.toString(16).padStart(32, '0'),
      wallTime: () => BigInt(this.#clock) * 1_000_000n,
      now: () => this.#clock,
      minFreeBytes: 0,
      tell: () => {},
    };
  }

  #failedAt = -1;

  /** Notes what the writer calls durable, as whoever answers clients would. */
  #acknowledge({ durable, written, failure }: JournalWriter): void {
    assert.ok(durable <= written, `${durable} durable of ${written}`);
    assert.ok(written <= this.#workload.events);
    if (failure !== null) {
      if (this.#failedAt < 0) this.#failedAt = durable;
      assert.equal(durable, this.#failedAt, 'acknowledged behind a failure');
      assert.match(failure.code, /^journal-(full|failed)$/);
    } else this.#failedAt = -1;
    this.#given = Math.max(this.#given, written);
    this.#acknowledged = Math.max(this.#acknowledged, durable);
  }

  /** What a writer finds is what there was, and its epoch follows the rules. */
  #checkFound({ found }: JournalWriter, before: Recovery | null): void {
    assert.equal(found.lastEvent, before === null ? 0 : before.firstEvent + before.rows.length - 1);
    const last = before?.segments.at(-1);
    if (last !== undefined) assert.equal(textOf(found.epoch) !== textOf(last.epoch), found.isNewEpoch);
  }

  #verdict(): string {
    return verdictOf(this.#disk, DIRECTORY, this.#workload.rules, this.#options().bootId);
  }

  /** Could nobody write down that a sync failed? A hole that it left looks like damage while the machine is up. */
  #waitsForBoot(end: End | null): boolean {
    return end?.kind === 'fault' && end.lasts && !/^(pass|torn)$/.test(this.#verdict());
  }

  /** No segment goes on with the events of a history that may have lost some, or has. @param hasLost it has, since it was seen. */
  #checkEpochs({ segments, tail }: Recovery, isPowerLoss: boolean, hasLost: boolean): void {
    for (const { number, epoch, hasImage } of segments) {
      const last = this.#ended.get(textOf(epoch));
      if (hasImage && last !== undefined) assert.ok(number <= last, `segment ${number} of an ended epoch`);
    }
    const last = segments.at(-1);
    if (last === undefined) return;
    if (!hasLost && tail === null && (!isPowerLoss || last.isClosed)) return;
    const epoch = textOf(last.epoch);
    if (!this.#ended.has(epoch)) this.#ended.set(epoch, last.hasImage ? last.number : last.number - 1);
  }

  /** Reads what is on the disk and holds it against an uninterrupted run. */
  #check(end: End | null, isOff: boolean): Recovery {
    const disk = this.#disk;
    const found = recover(disk, DIRECTORY, this.#workload);
    const { firstEvent, rows, books, segments, tail } = found;
    const last = firstEvent + rows.length - 1;
    assert.ok(last >= this.#acknowledged, `${this.#acknowledged} acknowledged, ${last} there`);
    assert.deepEqual(rows, this.#workload.rows.slice(firstEvent - 1, last));
    assert.equal(stateOf(books), stateOf(this.#workload.booksAt(last)));
    const verdict = this.#verdict();
    assert.match(verdict, tail === null ? /^(pass|torn)$/ : /^torn$/, tail ?? '');
    this.#checkEpochs(found, isOff, last < this.#given);
    // Whoever was closed has given all of it away for good.
    if (end?.kind === 'off') assert.ok(segments.at(-1)!.isClosed && last === this.#given);
    this.#result.torn += tail === null ? 0 : 1;
    this.#result.kept += last - this.#acknowledged;
    this.#result.lost += this.#given - last;
    this.#result.segments += segments.length;
    this.#result.compressed += segments.filter(({ isCompressed }) => isCompressed).length;
    this.#result.removed += firstEvent > 1 ? 1 : 0;
    this.#given = last;
    return found;
  }
}

function failureOf(end: End | null, { number, kind }: DiskCall, first: number): Failure | null {
  if (end?.kind === 'power') return number - first === end.call ? 'power' : null;
  if (end?.kind !== 'fault') return null;
  const isHit = end.lasts ? number - first >= end.call : number - first === end.call;
  if (!isHit) return null;
  // Nothing that only looks can find a disk full.
  return end.code === 'ENOSPC' && LOOKS.has(kind) ? null : end.code;
}

const LOOKS: ReadonlySet<DiskCall['kind']> = new Set(['open', 'read', 'list', 'free', 'truncate', 'remove']);

function textOf({ high, low }: Epoch): string {
  return `${high}/${low}`;
}
