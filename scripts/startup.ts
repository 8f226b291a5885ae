/*
 * Measures how long mdx takes to start, as a multiple of an empty Node: runs of all command lines in turn, the median
 * of the ratios. The budget is 1.5 for --version and 4 for the help of a command.
 *
 *     npm run startup [-- ROUNDS]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './generated.ts';

const ROUNDS_DEFAULT = 21;
const EMPTY = ['-e', '0'];
const LINES: readonly (readonly string[])[] = [
  ['bin/run.js', '--version'],
  ['bin/run.js', 'replay', '--help'],
  ['bin/run.js', '--help'],
  ['bin/run.js', 'feeds'],
];

const rounds = Number(process.argv[2] ?? ROUNDS_DEFAULT);
const empty: number[] = [];
const ratios: number[][] = LINES.map(() => []);
// The first round fills the compile cache.
for (let round = 0; round <= rounds; round += 1) {
  const base = milliseconds(EMPTY);
  const times = LINES.map(milliseconds);
  if (round === 0) continue;
  empty.push(base);
  times.forEach((time, at) => {
    ratios[at]!.push(time / base);
  });
}
process.stdout.write(
  `node ${process.versions.node}, ${existsSync(join(ROOT, 'dist')) ? 'built' : 'from sources'}, ${rounds} rounds, an empty start ${median(empty).toFixed(1)} ms\n`,
);
LINES.forEach((line, at) => {
  process.stdout.write(`${median(ratios[at]!).toFixed(2).padStart(6)}  node ${line.join(' ')}\n`);
});

function milliseconds(args: readonly string[]): number {
  const start = performance.now();
  spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'ignore' });
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
