import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { isWellAimed, killSummary, runKills } from '../../world/journal/kills.ts';

const KILLS = 100;

// Two thousand of them: `npm run kills`.
test('writers that are killed lose nothing that they had acknowledged', { timeout: 300_000 }, async () => {
  const seed = randomInt(2 ** 31);
  const failures: string[] = [];
  const sum = await runKills(KILLS, seed, (journal, error) =>
    failures.push(`npm run kills -- --count 5 --seed ${journal}\n${String(error)}`),
  );
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(sum.kills).toBeGreaterThanOrEqual(KILLS);
  expect(isWellAimed(sum), killSummary(sum)).toBe(true);
});
