import { Market } from '../../book/market.ts';
import { stateHash } from '../../book/state-hash.ts';
import { itch } from '../../feeds/itch/index.ts';
import { makeEventStream } from '../event-stream.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { INSTRUMENTS, LIVE, marketChecksum, SEED, syntheticDictionary } from './synthetic.ts';

/** Events between the filling of the books and the hash: orders of a level no longer lie side by side. */
const EVENTS = 200_000;

/** The canonical hash over all orders of filled books. */
export function hashBooks(options: WorkloadOptions): Workload {
  const market = new Market(itch.rules, syntheticDictionary());
  const { fill, steady } = makeEventStream({
    instruments: INSTRUMENTS,
    live: LIVE,
    events: EVENTS,
    seed: SEED,
    shape: 'touch',
  });
  for (const batch of [...fill, ...steady]) market.apply(batch);
  const { live } = market.orders;
  const passes = Math.max(1, Math.round(options.events / live));
  return {
    units: live * passes,
    bytes: null,
    note: null,
    reset() {},
    run() {
      for (let pass = 0; pass < passes; pass += 1) stateHash(market);
    },
    checksum: () => marketChecksum(market),
  };
}
