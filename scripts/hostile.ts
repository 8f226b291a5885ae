/*
 * Sends hostile requests and handshakes to an HTTP server of `mdx serve` and holds it to what it promises: each of them
 * ends, in an answer or a closed connection; no fault of ours; decent requests between them are answered; flat memory.
 *
 *     npm run hostile [-- --count 10000] [--seed N]
 *
 * Prints the seed first. Exit 1 after a finding.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { attack, type Outcomes } from '../test/fuzz/hostile-http.ts';
import { HostileTarget } from '../test/fuzz/hostile-target.ts';

const COUNT_DEFAULT = 10_000;
const ROUNDS = 10;
const SEED_MAX: number = 2 ** 31;
const MIB: number = 1024 ** 2;
/** What is reachable may grow this much from the second round, when code and caches stand, to the end. */
const GROWTH_MAX: number = 8 * MIB;

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.count ?? COUNT_DEFAULT);
const seed = Number(values.seed ?? randomInt(SEED_MAX));
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  throw new Error('--count and --seed: expected integers');
}
process.stdout.write(`seed ${seed}, ${count} requests, node ${process.versions.node}\n`);

const started = performance.now();
const target = await HostileTarget.start();
const outcomes: Outcomes = new Map();
const heaps: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const from = Math.floor((count * round) / ROUNDS);
  const to = Math.floor((count * (round + 1)) / ROUNDS);
  const heard = await attack(target, seed + from * 104_729, to - from);
  for (const [outcome, times] of heard) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + times);
  gc!();
  heaps.push(process.memoryUsage().heapUsed);
  const { connections } = target.server.counts;
  process.stdout.write(
    `${String(to).padStart(7)} requests, heap ${(heaps.at(-1)! / MIB).toFixed(1)} MiB, ${connections} connections\n`,
  );
}
const { counts } = target.server;
await target.close();
const seconds = (performance.now() - started) / 1000;
const sorted = [...outcomes].sort(([, a], [, b]) => b - a);
process.stdout.write(`${sorted.map(([outcome, times]) => `${outcome}: ${times}`).join(', ')}\n`);
const grown = heaps.at(-1)! - heaps[Math.min(1, heaps.length - 1)]!;
const faults = [
  ...(counts.failures > 0 ? [`${counts.failures} faults of ours`] : []),
  ...(outcomes.has('no HTTP') ? [`${outcomes.get('no HTTP')} answers that are no HTTP`] : []),
  ...(grown > GROWTH_MAX ? [`the heap grew by ${(grown / MIB).toFixed(1)} MiB`] : []),
];
process.stdout.write(
  `${faults.length === 0 ? 'nothing found' : `FOUND: ${faults.join(', ')}`} in ${seconds.toFixed(1)} s, ${counts.connections} connections left\n`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
