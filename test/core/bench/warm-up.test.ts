import { describe, expect, it } from 'vitest';
import { warmUp } from '../../../src/core/bench/warm-up.ts';

/** Runs that take these times, and how many of them it took. */
async function runsOf(times: readonly number[], waits: boolean, isShort: boolean): Promise<number> {
  let runs = 0;
  const run = async (): Promise<number> => {
    runs += 1;
    return times[runs - 1]!;
  };
  await warmUp(run, { waits, isShort });
  return runs;
}

describe('warming up', () => {
  it('takes what waits for others as long as a run differs from the one before', async () => {
    expect(await runsOf([833, 600, 420, 378, 370], true, false)).toBe(4);
    expect(await runsOf([100, 86], true, false)).toBe(2);
    expect(await runsOf([100, 85, 99], true, false)).toBe(3);
  });

  it('ends after five runs, whatever they say', async () => {
    expect(await runsOf([9, 1, 9, 1, 9, 1], true, false)).toBe(5);
  });

  it('takes two runs where nothing is waited for, and where one round is all that is measured', async () => {
    expect(await runsOf([9, 1, 9], false, false)).toBe(2);
    expect(await runsOf([9, 1, 9], true, true)).toBe(2);
  });
});
