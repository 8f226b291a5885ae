import { Random } from '../binary/random.ts';
import { encodeMetadata } from '../feeds/dbn/metadata.ts';
import { type ScalarValues, writeRecord } from '../feeds/dbn/records.ts';
import type { DbnTape } from './dbn-stream.ts';

/** Some 2 MB, as much as a session of one instrument has. */
const RECORDS = 5_700;
const INSTRUMENTS = 16;
const LEVELS = 10;
const SEED = 11;
const RTYPE = 0x0a;
const SCHEMA = 2;
/** 2025-09-24 14:30:00 UTC. */
const OPEN_NS = 1_758_724_200_000_000_000n;
const EVENT_GAP_NS = 1000n;
const TICK = 10_000_000n;
const PRICE = 65_000_000_000n;
const F_LAST = 128;
const PRICE_UNDEFINED = (1n << 63n) - 1n;

interface Level {
  tick: number;
  size: number;
  orders: number;
}

/** A side of a book, best first; ticks count away from the middle. */
type Side = Level[];

/** A stream of mbp-10 records, made by our own writer: books in which of ten changes seven are of what stands at a level, and the others make or take one. */
export function mbp10Tape(): DbnTape {
  const random = new Random(SEED);
  const books = Array.from({ length: INSTRUMENTS }, () => [newSide(random), newSide(random)] as const);
  const head = encodeMetadata({
    version: 3,
    dataset: 'MDX.BENCH',
    schema: SCHEMA,
    start: OPEN_NS,
    end: OPEN_NS + EVENT_GAP_NS * BigInt(RECORDS),
    limit: 0n,
    recordCount: 0n,
    symbolTypeIn: 1,
    symbolTypeOut: 0,
    sendTimes: 0,
    symbolBytes: 71,
    symbols: [],
    partial: [],
    notFound: [],
    mappings: [],
  });
  const first = writeRecord({ rtype: RTYPE }, 3);
  const bytes = new Uint8Array(head.length + RECORDS * first.length);
  bytes.set(head);
  for (let record = 0; record < RECORDS; record += 1) {
    const instrument = random.below(INSTRUMENTS);
    const [bids, asks] = books[instrument]!;
    const isAsk = random.below(2) === 1;
    const depth = change(isAsk ? asks : bids, random);
    const time = OPEN_NS + EVENT_GAP_NS * BigInt(record);
    const values = {
      rtype: RTYPE,
      publisher_id: 1,
      instrument_id: instrument + 1,
      ts_event: time,
      ts_recv: time,
      action: 'M',
      side: isAsk ? 'A' : 'B',
      flags: F_LAST,
      depth,
      sequence: record,
      levels: levels(bids, asks),
    };
    bytes.set(writeRecord(values, 3), head.length + record * first.length);
  }
  return {
    bytes,
    start: head.length,
    records: RECORDS,
    loops: true,
    note: `a synthetic stream of ${INSTRUMENTS} instruments, ${RECORDS} records, looped`,
  };
}

function newSide(random: Random): Side {
  return Array.from({ length: LEVELS + 4 }, (_, at) => ({
    tick: 2 * at + 4,
    size: 1 + random.below(50),
    orders: 1 + random.below(9),
  }));
}

/** Changes a side. @returns at which of the levels shown. */
function change(side: Side, random: Random): number {
  const depth = Math.min(random.below(LEVELS), random.below(LEVELS));
  const level = side[depth]!;
  const kind = random.below(10);
  if (kind === 0 && side.length > LEVELS + 2) side.splice(depth, 1);
  else if (kind < 3 && side.length < LEVELS + 20 && level.tick > (side[depth - 1]?.tick ?? 0) + 1) {
    side.splice(depth, 0, { tick: level.tick - 1, size: 1 + random.below(50), orders: 1 });
  } else {
    level.size = 1 + random.below(50);
    level.orders = 1 + random.below(9);
  }
  return depth;
}

function levels(bids: Side, asks: Side): ScalarValues[] {
  return Array.from({ length: LEVELS }, (_, at) => ({
    bid_px: priceOf(bids[at], -1n),
    ask_px: priceOf(asks[at], 1n),
    bid_sz: bids[at]?.size ?? 0,
    ask_sz: asks[at]?.size ?? 0,
    bid_ct: bids[at]?.orders ?? 0,
    ask_ct: asks[at]?.orders ?? 0,
  }));
}

function priceOf(level: Level | undefined, sign: bigint): bigint {
  return level === undefined ? PRICE_UNDEFINED : PRICE + sign * TICK * BigInt(level.tick);
}
