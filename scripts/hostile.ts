/*
 * Sends hostile requests and handshakes to an HTTP server of `mdx serve`, or makes hostile WebSockets at all endpoints of an
 * engine, and holds it to what it promises: each of them ends, in an answer or a closed connection; no fault of ours; decent
 * requests between them are answered; flat memory. With --clients: how 46 clients are served beside four bad ones.
 *
 *     npm run hostile [-- --count 10000] [--seed N] [--websockets | --clients [--rounds 1]]
 *
 * Prints the seed first. Exit 1 after a finding.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clientCampaign } from '../test/fuzz/client-campaign.ts';
import { attack, type Outcomes } from '../test/fuzz/hostile-http.ts';
import { HostileTarget } from '../test/fuzz/hostile-target.ts';
import { websocketCampaign } from '../test/fuzz/websocket-campaign.ts';

const COUNT_DEFAULT = 10_000;
const ROUNDS = 10;
const SEED_MAX: number = 2 ** 31;
const MIB: number = 1024 ** 2;
/** What is reachable may grow this much from the second round, when code and caches stand, to the end. */
const GROWTH_MAX: number = 8 * MIB;

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    websockets: { type: 'boolean' },
    clients: { type: 'boolean' },
    rounds: { type: 'string', default: '1' },
  },
});
const count = Number(values.count ?? COUNT_DEFAULT);
const seed = Number(values.seed ?? randomInt(SEED_MAX));
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  throw new Error('--count and --seed: expected integers');
}
process.stdout.write(
  `seed ${seed}, ${count} ${values.websockets ? 'WebSockets' : 'requests'}, node ${process.versions.node}\n`,
);

const say = (text: string): void => void process.stdout.write(text);
const started = performance.now();
const faults = await campaign();
const seconds = (performance.now() - started) / 1000;
say(`${faults.length === 0 ? 'nothing found' : `FOUND: ${faults.join(', ')}`} in ${seconds.toFixed(1)} s\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function campaign(): Promise<string[]> {
  if (values.clients) return clientCampaign(seed, Number(values.rounds), say);
  return values.websockets ? websocketCampaign(count, seed, say) : requestCampaign();
}

/** @returns what was wrong. */
async function requestCampaign(): Promise<string[]> {
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
  say(`${counts.connections} connections left\n`);
  const sorted = [...outcomes].sort(([, a], [, b]) => b - a);
  process.stdout.write(`${sorted.map(([outcome, times]) => `${outcome}: ${times}`).join(', ')}\n`);
  const grown = heaps.at(-1)! - heaps[Math.min(1, heaps.length - 1)]!;
  return [
    ...(counts.failures > 0 ? [`${counts.failures} faults of ours`] : []),
    ...(outcomes.has('no HTTP') ? [`${outcomes.get('no HTTP')} answers that are no HTTP`] : []),
    ...(grown > GROWTH_MAX ? [`the heap grew by ${(grown / MIB).toFixed(1)} MiB`] : []),
  ];
}
