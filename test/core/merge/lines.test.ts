import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAP_FILLED, GAP_OPEN } from '../../../src/core/event/record.ts';
import { Arbiter } from '../../../src/core/merge/arbiter.ts';
import type { TransportHeader } from '../../../src/core/merge/header.ts';
import type { ArbiterSink } from '../../../src/core/merge/session-merge.ts';
import { WaitingRoom } from '../../../src/core/merge/waiting-room.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { ReferenceArbiter, type ReferenceOptions } from '../../world/reference-arbiter.ts';

/** What comes, as numbers that are small enough for everything to happen. */
type Step =
  | {
      readonly kind: 'data';
      readonly line: number;
      readonly session: number;
      readonly ahead: number;
      readonly count: number;
      readonly other: boolean;
    }
  | {
      readonly kind: 'mark';
      readonly line: number;
      readonly session: number;
      readonly ahead: number;
      readonly isEnd: boolean;
    }
  | { readonly kind: 'damaged' | 'unsequenced'; readonly line: number }
  | { readonly kind: 'lost'; readonly session: number; readonly ahead: number; readonly count: number }
  | { readonly kind: 'abandon'; readonly ahead: number; readonly count: number }
  | { readonly kind: 'time'; readonly ns: number };

const line = (lines: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: lines - 1 });
const session: fc.Arbitrary<number> = fc.oneof(
  { weight: 30, arbitrary: fc.constant(0) },
  fc.constantFrom(-1, 1),
);
const ahead: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  fc.integer({ min: -8, max: 8 }),
);
const count: fc.Arbitrary<number> = fc.integer({ min: 1, max: 5 });

const stepsOf = (lines: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 40,
        arbitrary: fc.record({
          kind: fc.constant('data' as const),
          line: line(lines),
          session,
          ahead,
          count,
          other: fc.integer({ min: 0, max: 19 }).map((each) => each === 0),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('mark' as const),
          line: line(lines),
          session,
          ahead,
          isEnd: fc.boolean(),
        }),
      },
      fc.record({ kind: fc.constantFrom('damaged' as const, 'unsequenced' as const), line: line(lines) }),
      fc.record({ kind: fc.constant('lost' as const), session, ahead, count }),
      fc.record({ kind: fc.constant('abandon' as const), ahead, count }),
      {
        weight: 12,
        arbitrary: fc.record({ kind: fc.constant('time' as const), ns: fc.integer({ min: 1, max: 40 }) }),
      },
    ),
    { minLength: 1, maxLength: 120 },
  );

const options: fc.Arbitrary<ReferenceOptions> = fc.record({
  gapTimeout: fc.integer({ min: 1, max: 60 }),
  recoveryTimeout: fc.option(fc.integer({ min: 1, max: 80 }), { nil: null }),
  window: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 12 })),
  cap: fc.oneof(fc.constant(1000), fc.integer({ min: 1, max: 6 })),
  start: fc.constantFrom<number | 'first-seen'>(1, 'first-seen'),
  lines: fc.integer({ min: 1, max: 3 }),
});

/** Writes what the arbiter does number by number, as the reference does. */
class Log implements ArbiterSink {
  readonly lines: string[] = [];

  deliver(
    _channel: number,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    const id = datagram.view.getUint32(datagram.offset);
    if (first === 0) {
      this.lines.push(`deliver without numbers ${line} ${id}`);
      return;
    }
    for (let at = 0; at < take; at += 1) this.lines.push(`deliver ${first + skip + at} ${line} ${id}`);
  }

  gap(_channel: number, session: number, first: number, count: number, state: number, by: number): void {
    const word = state === GAP_OPEN ? 'open' : state === GAP_FILLED ? 'filled' : 'lost';
    for (let at = 0; at < count; at += 1) this.lines.push(`gap ${session} ${first + at} ${word} ${by}`);
  }

  session(_channel: number, session: number): void {
    this.lines.push(`session ${session}`);
  }
}

/** Runs the steps through both. */
class Both {
  readonly log: Log = new Log();
  readonly room: WaitingRoom = new WaitingRoom();
  readonly arbiter: Arbiter;
  readonly reference: ReferenceArbiter;
  readonly #next: number[];
  #session = 1;
  #packets = 0;

  constructor(options: ReferenceOptions) {
    const { gapTimeout, recoveryTimeout, window, cap, start, lines } = options;
    const arbiterOptions = {
      gapTimeoutNs: gapTimeout,
      recoveryTimeoutNs: recoveryTimeout,
      window,
      waitingPacketsMax: cap,
      start,
      lines,
    };
    this.arbiter = new Arbiter(0, arbiterOptions, this.log, this.room);
    if (lines > 1) this.arbiter.compare();
    this.reference = new ReferenceArbiter(options);
    this.#next = Array.from({ length: lines }, () => 1);
  }

  take(step: Step): void {
    const { arbiter, reference } = this;
    switch (step.kind) {
      case 'data':
        this.#data(step);
        return;
      case 'mark': {
        const session = this.#sessionOf(step.session);
        const next = Math.max(1, this.#next[step.line]! + step.ahead);
        arbiter.mark(step.line, header(session, next, 0, []), step.isEnd);
        reference.mark(step.line, session, next, step.isEnd);
        return;
      }
      case 'damaged':
        arbiter.damaged(step.line);
        reference.damaged(step.line);
        return;
      case 'unsequenced':
        this.#unsequenced(step.line);
        return;
      case 'lost': {
        const session = this.#sessionOf(step.session);
        const first = Math.max(1, this.#next[0]! + step.ahead);
        arbiter.declareLost(session, first, step.count);
        reference.declareLost(session, first, step.count);
        return;
      }
      case 'abandon': {
        const first = Math.max(1, this.#next[0]! + step.ahead);
        arbiter.abandon(first, step.count);
        reference.abandon(first, step.count);
        return;
      }
      default:
        this.#tick(step.ns);
    }
  }

  finish(): void {
    this.arbiter.finish();
    this.reference.finish();
  }

  #data({ line, session: turn, ahead, count, other }: Extract<Step, { kind: 'data' }>): void {
    // A line that names another session goes on in it.
    if (turn === 1) {
      this.#session += 1;
      this.#next.fill(1);
    }
    const session = this.#sessionOf(turn);
    const first = Math.max(1, this.#next[line]! + ahead);
    if (turn >= 0) this.#next[line] = first + count;
    const digests = Array.from({ length: count }, (_, at) => (first + at) * 7 + (other ? 1 : 0));
    const datagram = this.#packet();
    this.arbiter.data(line, datagram, header(session, first, count, digests));
    this.reference.data({
      line,
      session,
      first,
      count,
      id: this.#packets,
      digests,
      time: this.reference.time,
    });
  }

  #unsequenced(line: number): void {
    const datagram = this.#packet();
    this.arbiter.data(line, datagram, header(this.#session, 0, 2, [1, 2]));
    const { time } = this.reference;
    this.reference.unsequenced({
      line,
      session: this.#session,
      first: 0,
      count: 2,
      id: this.#packets,
      digests: [1, 2],
      time,
    });
  }

  #packet(): Datagram {
    this.#packets += 1;
    const datagram = new Datagram();
    datagram.attach(new Uint8Array(8));
    datagram.length = 4;
    datagram.view.setUint32(0, this.#packets);
    datagram.timeLow = this.reference.time;
    return datagram;
  }

  #sessionOf(turn: number): number {
    return turn < 0 ? Math.max(1, this.#session - 1) : this.#session;
  }

  #tick(ns: number): void {
    const { room, reference } = this;
    const now = room.clock[0]! + ns;
    room.clock[0] = now;
    if (room.isDue) {
      room.rearm();
      this.arbiter.expire();
    }
    reference.tick(now);
  }
}

function header(session: number, first: number, count: number, digests: readonly number[]): TransportHeader {
  return {
    session,
    first,
    count,
    digest: (_datagram, wanted, into) => into.set(digests.slice(0, wanted)),
  };
}

/** The reference says with every delivery of which session it is, which the order tells. */
const withoutSession = (entry: string): string =>
  entry.replace(/^deliver (\d+) (\d+) (\d+) (\d+)$/, 'deliver $2 $3 $4');

describe('the arbiter', () => {
  it('does what its rules say, number by number, whatever comes on up to three lines', () => {
    fc.assert(
      fc.property(
        options.chain((each) => fc.tuple(fc.constant(each), stepsOf(each.lines))),
        ([chosen, steps]) => {
          const both = new Both(chosen);
          for (const step of steps) both.take(step);
          both.finish();
          expect(both.log.lines).toEqual(both.reference.log.map(withoutSession));
          const { arbiter, reference } = both;
          expect(arbiter.sessions.map(countsOf)).toEqual(
            reference.sessions.map((each) => reference.counts(each)),
          );
          expect(both.room.packets).toBe(0);
          expect(both.room.skew.samples).toBe(reference.skews.length);
          expect(Math.abs(both.room.skew.maxNs)).toBe(Math.max(0, ...reference.skews.map(Math.abs)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function countsOf({
  session,
  first,
  last,
  delivered,
  lost,
  conflicts,
  gaps,
  lines,
}: Arbiter['sessions'][number]): object {
  return {
    session,
    first,
    last,
    delivered,
    lost,
    conflicts,
    gaps: gaps.list.map(({ from, to, state, by }) => ({ from, to, state, by })),
    lines: lines.map((each) => ({ ...each })),
  };
}
