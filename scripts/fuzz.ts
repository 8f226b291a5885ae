/*
 * Feeds mutated packets, streams, files and events to everything that reads them, and holds what comes out against
 * the contract: only catalogued errors, always progress, counts that add up, books without a fault, flat memory.
 *
 *     npm run fuzz [-- --count 5000000] [--seed N] [--target NAME] [--only CASE]
 *
 * Prints the seed first, and after a finding the line that runs its case again. Exit 1 after a finding.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { campaign, replayLine } from '../test/fuzz/campaign.ts';
import type { Memory, Report } from '../test/fuzz/worker.ts';
import { DATA } from '../test/world/data.ts';

const COUNT_DEFAULT = 5_000_000;
const ROUNDS = 20;
const SEED_MAX: number = 2 ** 31;
const MIB: number = 1024 ** 2;
/** What is reachable may grow this much from the fourth round, when compiled code and caches stand, to the end. */
const REACHABLE_GROWTH_MAX: number = 8 * MIB;
const ROUNDS_WARM = 4;
/** Resident memory may grow this much in the second half: freed pieces of all sizes settle only in the course of time. */
const RESIDENT_GROWTH_MAX: number = 64 * MIB;

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string' },
    only: { type: 'string' },
  },
});
const seed = integer('seed', values.seed) ?? randomInt(SEED_MAX);
const only = integer('only', values.only);
if (only !== null && values.target === undefined) fail('--only: expected --target with it');
const count = integer('count', values.count) ?? COUNT_DEFAULT;
const started = performance.now();

print(
  `seed ${seed}, ${only === null ? `${count} cases` : `case ${only}`}, ${DATA === null ? 'without' : 'with'} real data, node ${process.versions.node}`,
);
const result = await campaign({
  seed,
  count,
  target: values.target ?? null,
  only,
  rounds: only === null ? ROUNDS : 1,
  onReport: show,
});
const seconds = (performance.now() - started) / 1000;
if (result.finding !== null) {
  const { target, case: number, text } = result.finding;
  print(`\nFOUND in ${target}, case ${number}, after ${seconds.toFixed(1)} s:\n${text}\n`);
  print(`again: ${replayLine(seed, target, number)}`);
  process.exitCode = 1;
} else {
  const grown = growth(result.memory);
  if (grown !== null) print(`\nFOUND: ${grown}`);
  print(
    `\n${only === null ? `${result.cases} cases` : `case ${only}, with those of its episode before it,`} in ${seconds.toFixed(1)} s, ${grown === null ? 'nothing found' : 'memory is not flat'}`,
  );
  process.exitCode = grown === null ? 0 : 1;
}

function show(report: Report): void {
  switch (report.kind) {
    case 'round':
      print(
        `${String(report.round).padStart(3)}/${only === null ? ROUNDS : 1}  ${String(report.cases).padStart(8)} cases  ${memoryText(report.memory)}`,
      );
      break;
    case 'target':
      print(
        `\n${report.name}: ${report.cases} cases, ${((report.ms * 1000) / report.cases).toFixed(1)} µs each`,
      );
      for (const [outcome, times] of report.outcomes) print(`    ${String(times).padStart(12)}  ${outcome}`);
      break;
    default:
      break;
  }
}

function memoryText({ heap, buffers, resident }: Memory): string {
  const text = (bytes: number): string => (bytes / MIB).toFixed(1).padStart(6);
  return `heap ${text(heap)} MiB  buffers ${text(buffers)} MiB  resident ${text(resident)} MiB`;
}

/** What has grown too much, null where memory is flat or the campaign too short to tell. */
function growth(memory: readonly Memory[]): string | null {
  const warm = memory[ROUNDS_WARM - 1];
  const middle = memory[ROUNDS / 2 - 1];
  const last = memory.at(-1);
  if (warm === undefined || middle === undefined || last === undefined) return null;
  const reachable = last.heap + last.buffers - warm.heap - warm.buffers;
  const resident = last.resident - middle.resident;
  if (reachable <= REACHABLE_GROWTH_MAX && resident <= RESIDENT_GROWTH_MAX) return null;
  return `memory: grown from ${memoryText(warm)} and ${memoryText(middle)} to ${memoryText(last)}`;
}

function integer(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) fail(`--${flag} ${text}: expected a whole number`);
  return Number(text);
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
