/*
 * Kills processes that write journals with SIGKILL, at random moments and inside their writes, and holds what is left against
 * what they had acknowledged.
 *
 *     npm run kills [-- --count 2000] [--seed N]
 *
 * Prints each failing journal with the line that runs it again. Exit 1 where one failed, or where too few kills fell inside a
 * write, or between a write and its sync.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isWellAimed, killSummary, runKills } from '../test/world/journal/kills.ts';

const COUNT_DEFAULT = 2000;
const SEED_MAX: number = 2 ** 31;
const JOURNALS_PER_LINE = 50;

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = integer('count', values.count) ?? COUNT_DEFAULT;
const seed = integer('seed', values.seed) ?? randomInt(SEED_MAX);
const started = performance.now();
let failed = 0;

print(`seed ${seed}, ${count} kills, node ${process.versions.node}`);
const sum = await runKills(
  count,
  seed,
  (journal, error) => {
    failed += 1;
    print(`\nFAILED journal ${journal}\n${error instanceof Error ? error.stack : String(error)}`);
    print(`again: npm run kills -- --count 5 --seed ${journal}\n`);
  },
  (sofar) => {
    if (sofar.journals % JOURNALS_PER_LINE === 0) print(`${sofar.kills}/${count}  ${killSummary(sofar)}`);
  },
);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
print(
  `${sum.kills} kills in ${seconds} s: ${failed === 0 ? 'nothing lost' : `${failed} failed`} (${killSummary(sum)})`,
);
const isAimed = isWellAimed(sum);
if (!isAimed) print('too few kills fell inside a write, or between a write and its sync');
process.exitCode = failed === 0 && isAimed ? 0 : 1;

function integer(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  process.stderr.write(`--${flag} ${text}: expected a whole number\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
