import { expect, test } from 'vitest';
import { type CellResult, cellOf, runCell } from './matrix-cell.ts';

/** `npm run matrix` runs thousands of others. */
const CELLS = 320;
const CELLS_PER_TEST = 40;
const SEED = 1;

const results: CellResult[] = [];
const tests = Array.from({ length: CELLS / CELLS_PER_TEST }, (_, at) => SEED + at * CELLS_PER_TEST);

test.each(tests)('lines that lose, double, delay and cut packets: 40 cells from seed %i on', async (seed) => {
  for (let at = seed; at < seed + CELLS_PER_TEST; at += 1) {
    const cell = cellOf(at);
    try {
      results.push(await runCell(cell));
    } catch (error) {
      throw new Error(`npm run matrix -- --only ${at}\n${JSON.stringify(cell)}`, { cause: error });
    }
  }
});

test.each([100_933])('cell %i, which found a mistake', async (seed) => {
  await runCell(cellOf(seed));
});

test('the cells are of every kind', () => {
  const total = (of: (result: CellResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0);
  expect(results).toHaveLength(CELLS);
  expect(total(({ isWhole }) => (isWhole ? 1 : 0))).toBeGreaterThan(100);
  expect(total(({ lost }) => (lost > 0 ? 1 : 0))).toBeGreaterThan(100);
  expect(total(({ late }) => (late > 0 ? 1 : 0))).toBeGreaterThan(30);
  expect(total(({ cut }) => cut)).toBeGreaterThan(1000);
});
