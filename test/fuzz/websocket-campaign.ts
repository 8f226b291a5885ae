import { Random } from '../../src/core/binary/random.ts';
import { play } from '../core/simulate/session.ts';
import { RawV1Client } from '../world/raw-v1-client.ts';
import { ServedEngine } from '../world/served-engine.ts';
import type { Outcomes } from './hostile-http.ts';
import { type Endpoint, hostileConnection } from './hostile-websocket.ts';

const AT_ONCE = 8;
const ROUNDS = 10;
const MIB: number = 1024 ** 2;
/** The least heap that is in use may be so much more in the second half than in the first, but for its first round. */
const GROWTH_MAX: number = 8 * MIB;

/**
 * Makes so many hostile WebSockets at all endpoints of a real engine, by a seed. @returns what was wrong.
 * @param say takes what is to be read meanwhile.
 */
export async function websocketCampaign(
  count: number,
  seed: number,
  say: (text: string) => void,
): Promise<string[]> {
  const { a } = play({ seed: 1 });
  const engine = await ServedEngine.start('[source]\ninputs = ["FOLDER/a.pcap"]\n', { 'a.pcap': a });
  await engine.hasRead();
  const endpoints: Endpoint[] = [
    ...engine.rawV1.map((port) => ({ port, path: '/ws' })),
    { port: engine.http, path: '/api/ws' },
  ];
  const outcomes: Outcomes = new Map();
  const faults: string[] = [];
  const heaps: Map<string, number>[] = [];
  let orders: number | null = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = Math.floor((count * round) / ROUNDS);
    const to = Math.floor((count * (round + 1)) / ROUNDS);
    const least = new Map<string, number>();
    for (let at = from; at < to; at += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, to - at) }, (_, index) => at + index);
      const heard = await Promise.all(
        numbers.map((number) =>
          hostileConnection(endpoints[number % endpoints.length]!, new Random(seed + number * 7919)),
        ),
      );
      for (const [index, outcome] of heard.entries()) {
        if (outcome === null) faults.push(`seed ${seed}, connection ${at + index} hangs`);
        outcomes.set(outcome ?? 'hangs', (outcomes.get(outcome ?? 'hangs') ?? 0) + 1);
      }
      if (Math.floor(at / 50) === Math.floor((at + AT_ONCE) / 50)) continue;
      for (const [thread, bytes] of await engine.heaps()) {
        least.set(thread, Math.min(bytes, least.get(thread) ?? Number.POSITIVE_INFINITY));
      }
    }
    // Who comes decently is served as before, at each endpoint.
    for (const port of engine.rawV1) {
      const client = await RawV1Client.open(`ws://127.0.0.1:${port}/ws?channel=obo&codec=raw-v1&snapshot=1`);
      await client.until(({ books }) => books.snapshots > 0);
      orders ??= client.books.orders.length;
      if (client.books.orders.length !== orders)
        faults.push(`${client.books.orders.length} orders, not ${orders}`);
      await client.close();
    }
    await engine.alone();
    heaps.push(least);
    const said = Array.from(least, ([thread, bytes]) => `${thread} ${(bytes / MIB).toFixed(1)} MiB`);
    say(`${String(to).padStart(7)} connections, 0 left, heaps at least ${said.join(', ')}\n`);
  }
  if (orders === 0) faults.push('there was nothing to serve');
  for (const thread of heaps.at(-1)!.keys()) {
    const before = leastOf(heaps.slice(1, ROUNDS / 2), thread);
    const grown = leastOf(heaps.slice(ROUNDS / 2), thread) - before;
    if (grown > GROWTH_MAX) faults.push(`the heap of ${thread} grew by ${(grown / MIB).toFixed(1)} MiB`);
  }
  const code = await engine.stop();
  if (code !== 0) faults.push(`the engine ended with ${code}`);
  if (outcomes.has('no HTTP')) faults.push(`${outcomes.get('no HTTP')} answers that are no HTTP`);
  const sorted = [...outcomes].sort(([, x], [, y]) => y - x);
  say(`${sorted.map(([outcome, times]) => `${outcome}: ${times}`).join(', ')}\n`);
  return faults;
}

function leastOf(heaps: readonly ReadonlyMap<string, number>[], thread: string): number {
  return Math.min(...heaps.map((heap) => heap.get(thread) ?? Number.POSITIVE_INFINITY));
}
