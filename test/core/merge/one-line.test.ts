import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arbiter } from '../../../src/core/merge/arbiter.ts';
import { type ArbiterSink, ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { WaitingRoom } from '../../../src/core/merge/waiting-room.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';

/** What came out, in order: numbers, `lost a-b`, `session`. */
class Log implements ArbiterSink {
  readonly lines: (number | string)[] = [];

  deliver(
    _channel: number,
    _line: number,
    _datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    for (let at = 0; at < take; at += 1) this.lines.push(first === 0 ? 0 : first + skip + at);
  }

  gap(_channel: number, _session: number, first: number, count: number): void {
    this.lines.push(`lost ${first}-${first + count - 1}`);
  }

  session(): void {
    this.lines.push('session');
  }
}

class Line {
  readonly log: Log = new Log();
  readonly room: WaitingRoom = new WaitingRoom();
  readonly arbiter: Arbiter;

  constructor(start: 'first-seen' | number = 'first-seen') {
    this.arbiter = new Arbiter(0, { ...ONE_LINE, gapTimeoutNs: 5, start }, this.log, this.room);
  }

  data(first: number, count: number, time = 0, session = 1): this {
    this.#tick(time);
    this.arbiter.data(0, datagram(), { session, first, count, digest });
    return this;
  }

  heartbeat(next: number, time = 0): this {
    this.#tick(time);
    this.arbiter.mark(0, { session: 1, first: next, count: 0, digest }, false);
    return this;
  }

  /** Counts of the sessions, with those of the line. */
  get counts(): readonly object[] {
    return this.arbiter.sessions.map(({ total, gaps, lines: _, ...counts }) => ({
      ...counts,
      ...total,
      gaps: gaps.list,
    }));
  }

  finish(): (number | string)[] {
    this.arbiter.finish();
    return this.log.lines;
  }

  #tick(time: number): void {
    this.room.clock[0] = Math.max(this.room.clock[0]!, time);
    if (!this.room.isDue) return;
    this.room.rearm();
    this.arbiter.expire();
  }
}

/** One line has nothing to compare. */
function digest(): void {
  throw new Error('not asked for');
}

function datagram(): Datagram {
  const made = new Datagram();
  made.attach(new Uint8Array(8));
  made.length = 8;
  return made;
}

describe('an arbiter of one line', () => {
  it('passes packets in order on as they are', () => {
    expect(new Line().data(7, 2).data(9, 1).finish()).toEqual([7, 8, 9]);
  });

  it('restores the order of packets and counts them', () => {
    const line = new Line().data(1, 1).data(4, 2, 1).data(2, 2, 2);
    expect(line.finish()).toEqual([1, 2, 3, 4, 5]);
    expect(line.counts[0]).toMatchObject({
      first: 1,
      last: 5,
      outOfOrder: 2,
      duplicates: 0,
      gaps: [],
    });
  });

  it('drops what it has shown, also parts of packets cut in another way', () => {
    const line = new Line().data(1, 4).data(3, 4).data(1, 6);
    expect(line.finish()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(line.counts[0]).toMatchObject({ duplicates: 8, late: 0, outOfOrder: 0 });
  });

  it('gives a hole up when it is old, and what comes then is late', () => {
    const line = new Line().data(1, 1).data(3, 1, 1).data(4, 1, 6).data(2, 1, 7).data(2, 1, 8);
    expect(line.finish()).toEqual([1, 'lost 2-2', 3, 4]);
    expect(line.counts[0]).toMatchObject({
      late: 2,
      outOfOrder: 1,
      duplicates: 0,
      gaps: [{ from: 2, to: 2, state: 'lost' }],
    });
  });

  it('does not give a hole up before its time', () => {
    expect(new Line().data(1, 1).data(3, 1, 1).data(2, 1, 5).finish()).toEqual([1, 2, 3]);
  });

  it('learns of a loss at the tail from a heartbeat, which is itself no number', () => {
    const line = new Line().data(1, 1).heartbeat(2).heartbeat(4, 1);
    expect(line.finish()).toEqual([1, 'lost 2-3']);
    expect(line.counts[0]).toMatchObject({ first: 1, last: 3, packets: 3 });
  });

  it('starts with the first number seen, or with the one asked for', () => {
    expect(new Line().data(5, 1).data(4, 1).finish()).toEqual([5]);
    expect(new Line(4).data(5, 1).finish()).toEqual(['lost 4-4', 5]);
  });

  it('takes what lies before the start asked for as late, and as out of order only where it is', () => {
    const line = new Line(5).data(1, 2).data(4, 1).data(3, 1).data(3, 1).data(5, 1);
    expect(line.finish()).toEqual([5]);
    expect(line.counts[0]).toMatchObject({ late: 5, outOfOrder: 1, duplicates: 0 });
    const across = new Line(5).data(2, 5).data(1, 1);
    expect(across.finish()).toEqual([5, 6]);
    expect(across.counts[0]).toMatchObject({ late: 4, outOfOrder: 1, duplicates: 0 });
  });

  it('lets packets without numbers through and keeps them apart', () => {
    const line = new Line().data(0, 3, 0, 0).data(0, 3, 0, 0);
    expect(line.finish()).toEqual([0, 0, 0, 0, 0, 0]);
    expect(line.counts[0]).toMatchObject({ unsequenced: 6, first: null, last: null });
  });

  it('ends a session when another begins, which starts at 1', () => {
    const line = new Line().data(5, 1).data(7, 1).data(2, 1, 0, 2).data(8, 1, 0, 1);
    expect(line.finish()).toEqual([5, 'lost 6-6', 7, 'session', 'lost 1-1', 2]);
    expect(line.counts).toMatchObject([
      { last: 7, late: 1 },
      { first: 1, last: 2 },
    ]);
  });

  it('takes a session of which only heartbeats came for one: the next starts at 1', () => {
    const line = new Line().heartbeat(500).data(2, 1, 0, 2);
    expect(line.finish()).toEqual(['session', 'lost 1-1', 2]);
    expect(line.counts).toMatchObject([
      { first: null, last: null, packets: 1 },
      { first: 1, last: 2 },
    ]);
  });

  it('starts the first session behind messages without one where it is', () => {
    expect(new Line().data(0, 1, 0, 0).data(7, 1).finish()).toEqual([0, 7]);
  });

  it('delivers every number once, in order, or names it as lost', () => {
    const packet = fc.record({
      first: fc.integer({ min: 1, max: 60 }),
      count: fc.integer({ min: 1, max: 8 }),
      wait: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 60 }), (packets) => {
        const line = new Line(1);
        const shown = new Set<number>();
        let time = 0;
        let sent = 0;
        for (const { first, count, wait } of packets) {
          time += wait;
          line.data(first, count, time);
          sent += count;
          for (let number = first; number < first + count; number += 1) shown.add(number);
        }
        const covered: number[] = [];
        let lost = 0;
        for (const entry of line.finish()) {
          if (typeof entry === 'number') {
            expect(shown.has(entry)).toBe(true);
            covered.push(entry);
            continue;
          }
          const [from, to] = entry.slice('lost '.length).split('-').map(Number) as [number, number];
          for (let number = from; number <= to; number += 1) covered.push(number);
          lost += to - from + 1;
        }
        const highest = Math.max(...shown);
        expect(covered).toEqual(Array.from({ length: highest }, (_, index) => index + 1));
        const { duplicates, late } = line.arbiter.sessions[0]!.total;
        expect(highest - lost + duplicates + late).toBe(sent);
        expect(line.room).toMatchObject({ packets: 0, store: { bytes: 0 } });
      }),
    );
  });
});
