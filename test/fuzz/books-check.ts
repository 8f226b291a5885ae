import { formatHash } from '../../src/core/binary/fnv64.ts';
import { checkInvariants } from '../../src/core/book/invariants.ts';
import type { Market } from '../../src/core/book/market.ts';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { Broken } from './target.ts';

/** Throws Broken with what is wrong inside the books. */
export function checkMarkets(markets: readonly Market[]): void {
  for (const market of markets) {
    const problems = checkInvariants(market);
    if (problems.length > 0) throw new Broken(`book invariants: ${problems.slice(0, 5).join('; ')}`);
  }
}

/** State hashes and tallies of all markets, to be compared with those of another run. */
export function stateText(markets: readonly Market[]): string {
  return markets
    .map(
      (market) =>
        `${formatHash(stateHash(market).hash)} ${market.tally.join(',')} ${market.events.join(',')}`,
    )
    .join('\n');
}
