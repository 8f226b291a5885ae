/*
 * Merges simulated lines that lose, double, delay and cut their packets in every combination, and holds the report, the stream
 * and the books against what the simulator knows.
 *
 *     npm run matrix [-- --count 2000] [--seed N] [--only SEED]
 *
 * Prints each failing cell with the line that runs it again. Exit 1 where one failed.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Cell, cellOf, runCell } from '../test/core/merge/matrix-cell.ts';

const COUNT_DEFAULT = 2000;
const SEED_MAX: number = 2 ** 31;
const CELLS_PER_LINE = 100;

const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const only = integer('only', values.only);
const seed = only ?? integer('seed', values.seed) ?? randomInt(SEED_MAX);
const count = only === null ? (integer('count', values.count) ?? COUNT_DEFAULT) : 1;
const started = performance.now();
let failed = 0;
let whole = 0;
let lost = 0;
let late = 0;
let cut = 0;

print(`seed ${seed}, ${count} cells, node ${process.versions.node}`);
for (let at = 0; at < count; at += 1) {
  const cell = cellOf(seed + at);
  if (only !== null) print(JSON.stringify(cell));
  try {
    const result = await runCell(cell);
    whole += result.isWhole ? 1 : 0;
    lost += result.lost;
    late += result.late;
    cut += result.cut;
  } catch (error) {
    failed += 1;
    show(cell, error);
  }
  if ((at + 1) % CELLS_PER_LINE === 0) print(`${at + 1}/${count}  ${summary()}`);
}
const seconds = (performance.now() - started) / 1000;
print(
  `${count} cells in ${seconds.toFixed(1)} s: ${failed === 0 ? 'all as they should be' : `${failed} failed`} (${summary()})`,
);
process.exitCode = failed === 0 ? 0 : 1;

function summary(): string {
  return `${whole} without a loss, ${lost} numbers lost, ${late} late, ${cut} packets cut`;
}

function show(cell: Cell, error: unknown): void {
  print(
    `\nFAILED ${JSON.stringify(cell)}\n${error instanceof Error ? (error.stack ?? error.message) : error}`,
  );
  print(`again: npm run matrix -- --only ${cell.seed}\n`);
}

function integer(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  process.stderr.write(`--${flag} ${text}: expected a whole number\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
