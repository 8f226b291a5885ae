import { describe, expect, it } from 'vitest';
import type { LineCounts } from '../../../src/core/merge/counts.ts';
import { MergeRun } from './harness.ts';

const A = 0;
const B = 1;
const R = 2;
const MAX = Number.MAX_SAFE_INTEGER;
const WITH_RECOVERY = { lines: 3, recoveryTimeoutNs: 100, start: 1 } as const;

/** Counts of a line in the first session. */
const line = (run: MergeRun, which: number): LineCounts => run.sessions[0]!.lines[which]!;

describe('a packet, by where its first number lies', () => {
  it('below the expected one: a duplicate', () => {
    const run = new MergeRun().data({ first: 1, count: 3 }).data({ line: B, first: 2, count: 2 });
    expect(run.finish()).toEqual(['1-3 A']);
    expect(line(run, B)).toMatchObject({ messages: 2, duplicates: 2, deliveredFirst: 0, late: 0 });
  });

  it('at the expected one: passed on at once, and what follows it directly', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 3 }).data({ first: 4 });
    expect(run.log).toEqual(['1-1 A']);
    run.data({ line: B, first: 2 });
    expect(run.log).toEqual(['1-1 A', '2-2 B', '3-3 A', '4-4 A']);
  });

  it('above, within the window: it waits', () => {
    const run = new MergeRun({ window: 4 }).data({ first: 1 }).data({ first: 6 });
    expect(run.log).toEqual(['1-1 A']);
    expect(run.room.packets).toBe(1);
  });

  it('above, and waits already: a duplicate, of which the first copy is kept', () => {
    const run = new MergeRun()
      .data({ first: 1 })
      .data({ first: 3, id: 5 })
      .data({ line: B, first: 3, id: 6 });
    run.data({ line: B, first: 2 });
    expect(run.numbers).toContain('deliver 1 3 0 5');
    expect(line(run, B)).toMatchObject({ duplicates: 1, deliveredFirst: 1 });
  });

  it('beyond the window: the hole is lost, the packet is not', () => {
    const run = new MergeRun({ window: 4 }).data({ first: 1 }).data({ first: 7 });
    expect(run.log).toEqual(['1-1 A', 'lost 2-6', '7-7 A']);
  });

  it('while as many wait as may: the lowest hole is lost, the packet is not', () => {
    const run = new MergeRun({ waitingPacketsMax: 2 }).data({ first: 1 });
    for (const first of [3, 5, 7]) run.data({ first });
    expect(run.log).toEqual(['1-1 A', 'lost 2-2', '3-3 A']);
    expect(run.room.packets).toBe(2);
    expect(run.finish().slice(3)).toEqual(['lost 4-4', '5-5 A', 'lost 6-6', '7-7 A']);
  });

  it('may wait on one channel only as long as the bytes of all are within their limit', () => {
    const run = new MergeRun().data({ first: 1 });
    for (let first = 3; first < 1100; first += 1) run.data({ first, bytes: 65_000 });
    expect(run.log[1]).toBe('lost 2-2');
    expect(run.room.store.bytes).toBe(0);
  });
});

describe('lines that cut their packets differently', () => {
  it('show every number once', () => {
    const run = new MergeRun().data({ first: 1, count: 4 }).data({ line: B, first: 3, count: 6 });
    expect(run.data({ first: 5, count: 5 }).finish()).toEqual(['1-4 A', '5-8 B', '9-9 A']);
    expect(line(run, A)).toMatchObject({ messages: 9, deliveredFirst: 5, duplicates: 4 });
    expect(line(run, B)).toMatchObject({ messages: 6, deliveredFirst: 4, duplicates: 2 });
  });

  it('fill what is missing around what waits, and the first copy of that stays', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 4, count: 2, id: 1 });
    run.data({ line: B, first: 2, count: 6, id: 2 });
    expect(run.finish()).toEqual(['1-1 A', '2-3 B', '4-5 A', '6-7 B']);
  });

  it('fill several holes with one packet, parts of which wait', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 4 }).data({ first: 6 });
    run.data({ line: B, first: 3, count: 6 });
    expect(run.room.packets).toBe(3);
    expect(run.data({ first: 2 }).finish()).toEqual([
      '1-1 A',
      '2-2 A',
      '3-3 B',
      '4-4 A',
      '5-5 B',
      '6-6 A',
      '7-8 B',
    ]);
  });
});

describe('a hole', () => {
  it('that the other line fills in time is none', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 3 }).at(4).data({ line: B, first: 2 });
    expect(run.at(50).finish()).toEqual(['1-1 A', '2-2 B', '3-3 A']);
    expect(run.sessions[0]!.gaps.list).toEqual([]);
  });

  it('is told at its age though no packet comes, and the stream goes on', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 3 }).at(5);
    expect(run.log).toEqual(['1-1 A', 'lost 2-2', '3-3 A']);
  });

  it('says when time by itself will change something', () => {
    const run = new MergeRun().at(10).data({ first: 1 });
    expect(run.room.due).toBe(Number.POSITIVE_INFINITY);
    expect(run.data({ first: 3 }).room.due).toBe(15);
  });

  it('ages from the first sight of a higher number, each part for itself', () => {
    const run = new MergeRun().data({ first: 1 }).mark(A, 1, 3).at(3).mark(B, 1, 4).at(5);
    expect(run.log).toEqual(['1-1 A', 'lost 2-2']);
    expect(run.at(8).log).toEqual(['1-1 A', 'lost 2-2', 'lost 3-3']);
  });

  it('that nobody fills is late when it comes after all, on each line', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 3 }).at(5);
    run.data({ line: B, first: 1, count: 3 }).data({ first: 2 });
    expect(run.finish()).toHaveLength(3);
    expect(line(run, A)).toMatchObject({ late: 1, outOfOrder: 1, missing: 0 });
    expect(line(run, B)).toMatchObject({ late: 1, duplicates: 2, outOfOrder: 0, missing: 0 });
  });

  it('loses the missing numbers only', () => {
    const run = new MergeRun().data({ first: 1 }).data({ first: 4 }).data({ line: B, first: 7 }).at(5);
    expect(run.log).toEqual(['1-1 A', 'lost 2-3', '4-4 A', 'lost 5-6', '7-7 B']);
    expect(run.sessions[0]).toMatchObject({ first: 1, last: 7, delivered: 3, lost: 4 });
  });
});

describe('recovery', () => {
  it('is asked once for exactly the missing numbers, and nothing that came is needed again', () => {
    const run = new MergeRun({ ...WITH_RECOVERY, window: 4 }).data({ first: 1, count: 32 });
    run.data({ line: B, first: 33, count: 32 }).data({ line: B, first: 1065 });
    expect(run.log.slice(2)).toEqual(['open 65-1064']);
    run.data({ line: B, first: 1066 }).at(50);
    expect(run.log).toHaveLength(3);
    run.data({ line: R, first: 65, count: 1000 });
    expect(run.log.slice(3)).toEqual(['filled 65-1064 R', '65-1064 R', '1065-1065 B', '1066-1066 B']);
    expect(run.sessions[0]!.gaps.list).toMatchObject([{ from: 65, to: 1064, state: 'filled', by: R }]);
  });

  it('has its time, and then the stream goes on', () => {
    const run = new MergeRun(WITH_RECOVERY).data({ first: 1 }).data({ first: 4 }).at(5);
    expect(run.log).toEqual(['1-1 A', 'open 2-3']);
    run.at(104).data({ line: R, first: 2 });
    expect(run.log.slice(2)).toEqual(['filled 2-2 R', '2-2 R']);
    expect(run.at(105).log.slice(4)).toEqual(['lost 3-3', '4-4 A']);
    expect(run.sessions[0]!.gaps.list).toMatchObject([
      { from: 2, to: 2, state: 'filled', by: R },
      { from: 3, to: 3, state: 'lost', by: -1 },
    ]);
    run.data({ line: R, first: 3 });
    expect(line(run, R)).toMatchObject({ deliveredFirst: 1, late: 1 });
  });

  it('that gives up ends the waiting for these numbers alone', () => {
    const run = new MergeRun(WITH_RECOVERY).data({ first: 1 }).data({ first: 4 }).data({ first: 6 }).at(5);
    run.arbiter.abandon(5, 1);
    expect(run.log).toEqual(['1-1 A', 'open 2-3', 'open 5-5', 'lost 5-5']);
    run.data({ line: B, first: 2, count: 2 });
    expect(run.log.slice(4)).toEqual(['filled 2-3 B', '2-3 B', '4-4 A', '6-6 A']);
  });

  it('has no say on what was not reported', () => {
    const run = new MergeRun(WITH_RECOVERY).data({ first: 1 }).data({ first: 4 });
    run.arbiter.abandon(1, 10);
    expect(run.log).toEqual(['1-1 A']);
  });

  it('does not get the time where packets cannot wait', () => {
    const run = new MergeRun({ ...WITH_RECOVERY, waitingPacketsMax: 1 })
      .data({ first: 1 })
      .data({ first: 3 });
    run.at(5).data({ first: 4 });
    expect(run.log).toEqual(['1-1 A', 'open 2-2', 'lost 2-2', '3-3 A', '4-4 A']);
  });

  it('begins no other session', () => {
    const run = new MergeRun(WITH_RECOVERY).data({ first: 1 }).data({ line: R, session: 2, first: 9 });
    expect(run.finish()).toEqual(['1-1 A']);
    expect(run.arbiter.strays[R]).toMatchObject({ packets: 1, messages: 1, late: 1 });
  });
});

describe('what upstream says is lost', () => {
  it('is lost at once, with the numbers that are here staying', () => {
    const run = new MergeRun({ lines: 1 }).data({ first: 1 }).data({ first: 4 });
    run.arbiter.declareLost(1, 2, 4);
    expect(run.log).toEqual(['1-1 A', 'lost 2-3', '4-4 A', 'lost 5-5']);
  });

  it('may be told before anything came, and again', () => {
    const run = new MergeRun({ lines: 1 });
    run.arbiter.declareLost(1, 3, 2);
    run.arbiter.declareLost(1, 3, 2);
    expect(run.data({ first: 5 }).finish()).toEqual(['lost 3-4', '5-5 A']);
  });
});

describe('the start', () => {
  it('is the first number of the first packet on any line; what lies below is late', () => {
    const run = new MergeRun().data({ line: B, first: 50 }).data({ first: 48, count: 2 });
    expect(run.finish()).toEqual(['50-50 B']);
    expect(line(run, A)).toMatchObject({ late: 2, outOfOrder: 0 });
  });

  it('asked for, loses what is missing at the head', () => {
    expect(new MergeRun({ start: 3 }).data({ first: 5 }).finish()).toEqual(['lost 3-4', '5-5 A']);
  });
});

describe('a change of session', () => {
  it('waits while the other line can still bring the end of the old one', () => {
    const run = new MergeRun().data({ first: 1 }).data({ line: B, first: 1 });
    run.data({ session: 2, first: 1 });
    run.data({ line: B, first: 2 });
    expect(run.log).toEqual(['1-1 A', '2-2 B']);
    run.data({ line: B, session: 2, first: 1, count: 2 });
    expect(run.log.slice(2)).toEqual(['session 2', '1-1 A', '2-2 B']);
  });

  it('waits for the gap timeout and not longer', () => {
    const run = new MergeRun().data({ first: 1 }).data({ line: B, first: 1 }).at(10);
    run.data({ session: 2, first: 2 }).at(14);
    expect(run.log).toEqual(['1-1 A']);
    expect(run.at(15).log).toEqual(['1-1 A', 'session 2', 'lost 1-1', '2-2 A']);
  });

  it('goes at once where there is nobody to wait for', () => {
    const run = new MergeRun().data({ first: 1 }).data({ session: 2, first: 1 });
    expect(run.log).toEqual(['1-1 A', 'session 2', '1-1 A']);
  });

  it('goes at once where the new packets have no room to wait', () => {
    const run = new MergeRun({ waitingPacketsMax: 1 }).data({ first: 1 }).data({ line: B, first: 1 });
    run.data({ session: 2, first: 1 });
    expect(run.log).toEqual(['1-1 A']);
    run.data({ session: 2, first: 2 });
    expect(run.log.slice(1)).toEqual(['session 2', '1-1 A', '2-2 A']);
  });

  it('loses the holes of the old one, and leaves it able to tell duplicates from late numbers', () => {
    const run = new MergeRun({ lines: 1 })
      .data({ first: 1 })
      .data({ first: 3 })
      .data({ session: 2, first: 1 });
    run.data({ session: 1, first: 1, count: 5 });
    expect(run.finish()).toEqual(['1-1 A', 'lost 2-2', '3-3 A', 'session 2', '1-1 A']);
    expect(line(run, A)).toMatchObject({ messages: 7, duplicates: 2, late: 3 });
  });

  it('waits for recovery where the old one has holes', () => {
    const run = new MergeRun(WITH_RECOVERY).data({ first: 1 }).data({ first: 3 }).at(5);
    run.data({ session: 2, first: 1 }).at(50).data({ line: R, first: 2 });
    expect(run.log).toEqual(['1-1 A', 'open 2-2', 'filled 2-2 R', '2-2 R', '3-3 A', 'session 2', '1-1 A']);
  });
});

describe('copies of a number', () => {
  it('with other bytes are a conflict once per number', () => {
    const run = new MergeRun().data({ first: 1, count: 2, digests: [1, 2] });
    for (const digests of [
      [1, 9],
      [1, 8],
    ]) {
      run.data({ line: B, first: 1, count: 2, digests });
    }
    run.finish();
    expect(run.sessions[0]!.conflicts).toBe(1);
  });

  it('give a skew once per number, B minus A, whichever came first', () => {
    const run = new MergeRun().data({ first: 1, time: 100 }).data({ line: B, first: 1, time: 130 });
    run.data({ line: B, first: 1, time: 150 }).data({ first: 1, time: 150 });
    expect(run.room.skew).toMatchObject({ samples: 1, maxNs: 30 });
    run.data({ line: B, first: 2, time: 200 }).data({ first: 2, time: 250 });
    expect(run.room.skew).toMatchObject({ samples: 2, maxNs: -50 });
  });

  it('are compared though one line lies thousands of numbers behind', () => {
    const run = new MergeRun();
    for (let first = 1; first <= 20_000; first += 10) run.data({ first, count: 10 });
    for (let first = 1; first <= 20_000; first += 5) run.data({ line: B, first, count: 5 });
    expect(run.room.skew.samples).toBe(20_000);
    for (let first = 20_001; first <= 40_000; first += 10) run.data({ first, count: 10 });
    for (let first = 20_001; first <= 40_000; first += 5) run.data({ line: B, first, count: 5 });
    expect(run.room.skew.samples).toBe(40_000);
  });
});

describe('counts per line', () => {
  it('name heartbeats, damage and messages without numbers for themselves', () => {
    const run = new MergeRun();
    run.arbiter.damaged(B);
    run.data({ first: 1 }).data({ line: B, first: 0, count: 3 }).mark(B, 1, 2).mark(B, 1, 2, true);
    run.arbiter.damaged(B);
    expect(run.finish()).toEqual(['1-1 A', '3 without numbers B']);
    expect(line(run, A)).toMatchObject({ packets: 1, messages: 1, missing: 0 });
    expect(line(run, B)).toMatchObject({
      packets: 4,
      messages: 0,
      unsequenced: 3,
      heartbeats: 1,
      malformed: 1,
      missing: 1,
    });
    expect(run.arbiter.strays[B]).toMatchObject({ packets: 1, malformed: 1 });
  });

  it('find missing what a line never showed, also behind its last number', () => {
    const run = new MergeRun().data({ first: 1, count: 10 }).data({ line: B, first: 3, count: 2 });
    run.finish();
    run.arbiter.sessions;
    expect(line(run, A).missing).toBe(0);
    expect(line(run, B)).toMatchObject({ missing: 8, outOfOrder: 0 });
  });
});

describe('whatever comes', () => {
  it('a lone number far above is waited for as long as for any, and lost in one piece', () => {
    const run = new MergeRun()
      .data({ first: 1 })
      .data({ first: MAX - 1 })
      .at(5);
    expect(run.finish()).toEqual(['1-1 A', `lost 2-${MAX - 2}`, `${MAX - 1}-${MAX - 1} A`]);
    expect(run.data({ line: B, first: 2 }).sessions[0]).toMatchObject({ delivered: 2, lost: MAX - 3 });
  });

  it('named numbers without packets keep memory flat and are lost in time', () => {
    const run = new MergeRun().data({ first: 1 });
    for (let next = 3; next < 200_003; next += 1) run.mark(A, 1, next);
    run.at(5);
    expect(run.sessions[0]).toMatchObject({ last: 200_001, lost: 200_000 });
    const { list, notListed } = run.sessions[0]!.gaps;
    expect(list.length + notListed).toBe(65_537);
  });

  it('more lost ranges than are listed are counted, and what comes of them is still in the sums', () => {
    const run = new MergeRun();
    for (let first = 1; first < 160_000; first += 2) run.data({ first });
    run.at(5);
    for (let first = 2; first < 160_000; first += 2) run.data({ line: B, first });
    run.finish();
    const [session] = run.sessions;
    const { messages, deliveredFirst, duplicates, late, missing } = line(run, B);
    expect(session!.gaps.list).toHaveLength(65_536);
    expect(session!.gaps.notListed).toBe(79_999 - 65_536);
    expect(deliveredFirst + duplicates + late).toBe(messages);
    expect(missing).toBe(80_000);
    expect(session!.delivered + session!.lost).toBe(159_999);
  });

  it('thousands of sessions come and go: old ones only count, the stream moves on', () => {
    const run = new MergeRun({ lines: 1 });
    for (let session = 1; session <= 5000; session += 1) run.data({ session, first: 1 });
    run.data({ session: 1, first: 2 }).data({ session: 4000, first: 1 });
    expect(run.finish()).toHaveLength(2 * 5000 - 1);
    expect(run.sessions.length).toBeLessThanOrEqual(2048);
    expect(run.arbiter.strays[A]!.late).toBe(1);
    const old = run.sessions.find(({ session }) => session === 4000)!;
    expect(old).toMatchObject({ first: 1, last: 1, delivered: 1 });
    expect(old.lines[A]).toMatchObject({ messages: 2, late: 1 });
  });

  it('sessions without end within one gap timeout do not pile up', () => {
    const run = new MergeRun().data({ first: 1 }).data({ line: B, first: 1 });
    for (let session = 2; session <= 500; session += 1) run.data({ session, first: 1 });
    expect(run.log.filter((entry) => entry.startsWith('session')).length).toBeGreaterThan(400);
    expect(run.finish().at(-2)).toBe('session 500');
  });
});
