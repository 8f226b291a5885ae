import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReferenceArbiter, type ReferenceOptions } from '../../world/reference-arbiter.ts';
import { MergeRun } from './harness.ts';

type Step =
  | {
      readonly kind: 'data';
      readonly line: number;
      readonly session: number;
      readonly first: number;
      readonly count: number;
      readonly other: boolean;
      readonly bytes: number;
      readonly late: number;
    }
  | {
      readonly kind: 'mark';
      readonly line: number;
      readonly session: number;
      readonly next: number;
      readonly isEnd: boolean;
    }
  | { readonly kind: 'unsequenced'; readonly line: number }
  | { readonly kind: 'damaged'; readonly line: number }
  | { readonly kind: 'wait'; readonly ns: number }
  | { readonly kind: 'lost'; readonly session: number; readonly first: number; readonly count: number }
  | { readonly kind: 'abandon'; readonly first: number; readonly count: number };

const LINES = fc.constantFrom(0, 1, 2);
const SESSION = fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 3);
const NUMBER = fc.integer({ min: 1, max: 60 });
const COUNT = fc.integer({ min: 1, max: 8 });

const DATA: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('data' as const),
  line: LINES,
  session: SESSION,
  first: NUMBER,
  count: COUNT,
  other: fc.boolean(),
  bytes: fc.constantFrom(8, 100, 130, 600, 3000, 9000),
  late: fc.integer({ min: 0, max: 3 }),
});

const ANY_STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: DATA },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('mark' as const),
      line: LINES,
      session: SESSION,
      next: NUMBER,
      isEnd: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsequenced' as const), line: LINES }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('damaged' as const), line: LINES }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ns: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lost' as const),
      session: SESSION,
      first: NUMBER,
      count: COUNT,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('abandon' as const), first: NUMBER, count: COUNT }),
  },
);

/** Lines that carry one stream, each cut, delayed and damaged in its own way, and now and then an answer of recovery. */
const STREAM: fc.Arbitrary<Step[]> = fc
  .array(
    fc.record({
      line: LINES,
      skew: fc.integer({ min: 0, max: 12 }),
      cuts: fc.array(COUNT, { minLength: 6, maxLength: 24 }),
      fates: fc.array(fc.constantFrom('sent', 'sent', 'sent', 'sent', 'lost', 'twice', 'behind'), {
        minLength: 24,
        maxLength: 24,
      }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((lines) => {
    const sent: { readonly at: number; readonly step: Step }[] = [];
    for (const { line, skew, cuts, fates } of lines) {
      let first = 1;
      for (const [index, count] of cuts.entries()) {
        const fate = fates[index]!;
        const at = first + skew + (fate === 'behind' ? 9 : 0);
        const bytes = 8 + count * 20;
        const step: Step = { kind: 'data', line, session: 1, first, count, other: false, bytes, late: 0 };
        if (fate !== 'lost') sent.push({ at, step });
        if (fate === 'twice') sent.push({ at: at + 3, step });
        first += count;
      }
    }
    sent.sort((a, b) => a.at - b.at);
    let time = 0;
    return sent.flatMap(({ at, step }): Step[] => {
      const ns = at - time;
      time = at;
      return ns === 0 ? [step] : [{ kind: 'wait', ns }, step];
    });
  });

const OPTIONS: fc.Arbitrary<ReferenceOptions> = fc.record({
  gapTimeout: fc.constantFrom(0, 1, 5, 20, 1e15),
  recoveryTimeout: fc.constantFrom(null, null, 0, 3, 10),
  window: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 1, 4, 20),
  cap: fc.constantFrom(32768, 32768, 0, 1, 3),
  start: fc.constantFrom('first-seen' as const, 1, 5),
  lines: fc.constantFrom(1, 2, 3),
});

/** Plays the steps on both. @returns what both made of them. */
function play(options: ReferenceOptions, steps: readonly Step[], shift = 0): MergeRun {
  const { gapTimeout, recoveryTimeout, window, cap, start, lines } = options;
  const reference = new ReferenceArbiter(options);
  const run = new MergeRun(
    {
      gapTimeoutNs: gapTimeout,
      recoveryTimeoutNs: recoveryTimeout,
      window,
      waitingPacketsMax: cap,
      start: start === 'first-seen' ? start : start + shift,
      lines,
    },
    shift,
  );
  // Sessions are numbered in order of first sight.
  const names = new Map<number, number>();
  const named = (session: number): number => {
    if (!names.has(session)) names.set(session, names.size + 1);
    return names.get(session)!;
  };
  let time = 0;
  for (const [id, step] of steps.entries()) {
    const line = 'line' in step ? step.line % lines : 0;
    switch (step.kind) {
      case 'data': {
        const { first, count, bytes, late, other } = step;
        const session = named(step.session);
        const digests = Array.from({ length: count }, (_, at) => (other ? -1 : first + at) | 0);
        reference.data({ line, session, first, count, id, digests, time: time - late });
        run.data({ line, session, first, count, id, bytes, digests, time: 1000 + time - late });
        break;
      }
      case 'mark': {
        const session = named(step.session);
        reference.mark(line, session, step.next, step.isEnd);
        run.mark(line, session, step.next, step.isEnd);
        break;
      }
      case 'unsequenced':
        named(1);
        reference.unsequenced({ line, session: 1, first: 0, count: 2, id, digests: [], time });
        run.data({ line, first: 0, count: 2, id });
        break;
      case 'damaged':
        reference.damaged(line);
        run.arbiter.damaged(line);
        break;
      case 'wait':
        time += step.ns;
        reference.tick(time);
        run.at(time);
        break;
      case 'lost': {
        const session = named(step.session);
        reference.declareLost(session, step.first, step.count);
        run.arbiter.declareLost(session, step.first + shift, step.count);
        break;
      }
      case 'abandon':
        reference.abandon(step.first, step.count);
        run.arbiter.abandon(step.first + shift, step.count);
        break;
    }
    expect(run.numbers).toEqual(reference.log);
  }
  run.finish();
  reference.finish();
  expect(run.numbers).toEqual(reference.log);
  expect(run.counts()).toEqual(reference.sessions.map((session) => reference.counts(session)));
  const { skew } = run.room;
  expect(skew.samples).toBe(reference.skews.length);
  expect(Math.abs(skew.maxNs)).toBe(Math.max(0, ...reference.skews.map(Math.abs)));
  expect(run.room).toMatchObject({ packets: 0, store: { bytes: 0 } });
  return run;
}

/** What must hold whatever comes. */
function judge(run: MergeRun): void {
  const last = new Map<string, number>();
  for (const entry of run.numbers) {
    const [what, session, number] = entry.split(' ');
    if (what !== 'deliver' || session === 'without') continue;
    expect(Number(number)).toBeGreaterThan(last.get(session!) ?? 0);
    last.set(session!, Number(number));
  }
  for (const { first, last: end, delivered, lost, lines } of run.sessions) {
    if (first !== null && end !== null) expect(delivered + lost).toBe(end - first + 1);
    let sum = 0;
    for (const { messages, deliveredFirst, duplicates, late } of lines) {
      expect(deliveredFirst + duplicates + late).toBe(messages);
      sum += deliveredFirst;
    }
    expect(sum).toBe(delivered);
  }
}

describe('the arbiter and its rules, number by number', () => {
  it('agree on lines of one stream, with packets of every size, that are cut, lost, doubled and delayed', () => {
    fc.assert(
      fc.property(OPTIONS, STREAM, (options, steps) => judge(play(options, steps))),
      { numRuns: 200 },
    );
  });

  it('agree where numbers pass 32 bits, and just below 2^53', () => {
    const steps = fc.array(
      ANY_STEP.filter((step) => !('session' in step) || step.session === 1),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        OPTIONS,
        steps,
        fc.constantFrom(2 ** 31 - 30, 2 ** 32 - 30, Number.MAX_SAFE_INTEGER - 100),
        (options, wanted, shift) => judge(play(options, wanted, shift)),
      ),
      { numRuns: 300 },
    );
  });
});
