/*
 * Writes journals on a disk in memory that loses its power, or fails, at any of its calls, and holds what is left against what
 * was acknowledged.
 *
 *     npm run powerloss [-- --count 20000] [--seed N] [--only SEED]
 *
 * Prints each failing case with the line that runs it again. Exit 1 where one failed.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  addTo,
  caseOf,
  NO_LOSSES,
  type PowerLossResult,
  runPowerLoss,
} from '../test/world/journal/power-loss.ts';

const COUNT_DEFAULT = 20_000;
const SEED_MAX: number = 2 ** 31;
const CASES_PER_LINE = 2000;

const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const only = integer('only', values.only);
const seed = only ?? integer('seed', values.seed) ?? randomInt(SEED_MAX);
const count = only === null ? (integer('count', values.count) ?? COUNT_DEFAULT) : 1;
const started = performance.now();
const sum: PowerLossResult = { ...NO_LOSSES };
let failed = 0;

print(`seed ${seed}, ${count} journals, node ${process.versions.node}`);
for (let at = 0; at < count; at += 1) {
  const drawn = caseOf(seed + at);
  if (only !== null) print(JSON.stringify(drawn));
  try {
    addTo(sum, runPowerLoss(drawn));
  } catch (error) {
    failed += 1;
    print(`\nFAILED ${JSON.stringify(drawn)}\n${error instanceof Error ? error.stack : error}`);
    print(`again: npm run powerloss -- --only ${drawn.seed}\n`);
  }
  if ((at + 1) % CASES_PER_LINE === 0) print(`${at + 1}/${count}  ${summary()}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
print(
  `${count} journals in ${seconds} s: ${failed === 0 ? 'nothing lost' : `${failed} failed`} (${summary()})`,
);
process.exitCode = failed === 0 ? 0 : 1;

function summary(): string {
  return [
    `${sum.powerLosses} losses of power, ${sum.faults} failed calls, ${sum.crashes} crashes`,
    `${sum.torn} torn tails`,
    `of what was not acknowledged ${sum.kept} events there, ${sum.lost} lost`,
    `${sum.segments} segments, ${sum.compressed} compressed, ${sum.removed} removed`,
  ].join('; ');
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
