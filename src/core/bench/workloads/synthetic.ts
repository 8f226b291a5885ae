import type { Market } from '../../book/market.ts';
import { stateHash } from '../../book/state-hash.ts';
import { TALLY_CROSSED_AT_LAST } from '../../book/tally.ts';
import { Dictionary } from '../../event/dictionary.ts';
import type { Checksum } from '../workload.ts';

/** Instruments of every synthetic stream. */
export const INSTRUMENTS = 64;
/** Live orders where a profile does not say otherwise. */
export const LIVE = 100_000;
/** Seed of every synthetic stream: variants of one profile see the same events. */
export const SEED = 1;

/** A dictionary in which the instrument of book n is n. */
export function syntheticDictionary(): Dictionary {
  const dictionary = new Dictionary();
  for (let book = 0; book < INSTRUMENTS; book += 1) {
    dictionary.add({
      source: 'bench',
      publisher: 0,
      instrument: BigInt(book),
      channel: 0,
      priceScale: 4,
      quantityScale: 0,
      symbol: `S${book}`,
    });
  }
  return dictionary;
}

export function marketChecksum(market: Market): Checksum {
  return {
    orders: market.orders.live,
    levels: market.levels.inUse,
    crossed: market.tally[TALLY_CROSSED_AT_LAST]!,
    hash: stateHash(market).hash,
  };
}
