import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { campaign, replayLine } from './campaign.ts';
import { makeTargets } from './targets.ts';

const CASES = 200_000;

/** `npm run fuzz` does the same 25 times longer. */
// Half a minute of both processors; where others use them too it may be some minutes.
test(`${CASES} mutated packets, streams, files and events do no harm`, { timeout: 300_000 }, async () => {
  const seed = randomInt(2 ** 31);
  process.stderr.write(`fuzzing with seed ${seed}: npm run fuzz -- --count ${CASES} --seed ${seed}\n`);
  const cases = new Map<string, number>();
  const result = await campaign({
    seed,
    count: CASES,
    target: null,
    only: null,
    rounds: 1,
    onReport: (report) => {
      if (report.kind === 'target') cases.set(report.name, report.cases);
    },
  });
  const { finding } = result;
  if (finding !== null)
    expect.fail(`${finding.text}\nagain: ${replayLine(seed, finding.target, finding.case)}`);
  expect([...cases.keys()]).toEqual(makeTargets().map(({ name }) => name));
  expect(result.cases).toBeGreaterThan(CASES * 0.99);
});
