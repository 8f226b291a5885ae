import {
  DEFINITION_SYMBOL,
  MAPPING_IN_SYMBOL,
  MAPPING_OUT_SYMBOL,
  RTYPE_DEFINITION,
  RTYPE_SYMBOL_MAPPING,
  readText,
} from './layout.ts';
import type { Metadata } from './metadata.ts';

const SYMBOL_TYPE_INSTRUMENT_ID = 0;
const NS_PER_MS = 1_000_000n;
const INSTRUMENT_MAX = 0xffffffff;
/** Names learned from records, beside those of the metadata. */
const LEARNED_MAX: number = 1 << 20;

interface Interval {
  readonly startDate: number;
  readonly endDate: number;
  readonly symbol: string;
}

/** What instruments are called: by the mappings of the metadata, by day, or by what records said since. */
export class SymbolTable {
  readonly #byInstrument: Map<number, Interval[]> = new Map();
  readonly #learned: Map<number, string> = new Map();

  /** Mappings to or from instrument ids count; mappings between other symbologies name no record. */
  constructor(metadata: Metadata) {
    const toInstrument = metadata.symbolTypeOut === SYMBOL_TYPE_INSTRUMENT_ID;
    const fromInstrument = metadata.symbolTypeIn === SYMBOL_TYPE_INSTRUMENT_ID;
    for (const { rawSymbol, intervals } of metadata.mappings) {
      for (const { startDate, endDate, symbol } of intervals) {
        if (toInstrument) this.#map(symbol, { startDate, endDate, symbol: rawSymbol });
        else if (fromInstrument) this.#map(rawSymbol, { startDate, endDate, symbol });
      }
    }
  }

  /** Symbol of an instrument on a day (decimal YYYYMMDD, UTC), or null. */
  symbolOf(instrument: number, date: number): string | null {
    const learned = this.#learned.get(instrument);
    if (learned !== undefined) return learned;
    const intervals = this.#byInstrument.get(instrument);
    const found = intervals?.find((interval) => interval.startDate <= date && date < interval.endDate);
    return found?.symbol ?? null;
  }

  /** A record said what an instrument is called; it wins from now on. */
  learn(instrument: number, symbol: string): void {
    if (this.#learned.size < LEARNED_MAX) this.#learned.set(instrument, symbol);
  }

  #map(instrumentText: string, interval: Interval): void {
    if (!/^\d{1,10}$/.test(instrumentText)) return;
    const instrument = Number(instrumentText);
    if (instrument > INSTRUMENT_MAX || interval.symbol === '') return;
    const intervals = this.#byInstrument.get(instrument);
    if (intervals === undefined) this.#byInstrument.set(instrument, [interval]);
    else intervals.push(interval);
  }
}

/** UTC day of a time (ns since 1970, unsigned 64-bit) as decimal YYYYMMDD. */
export function utcDate(ns: bigint): number {
  const day = new Date(Number(ns / NS_PER_MS));
  return day.getUTCFullYear() * 10_000 + (day.getUTCMonth() + 1) * 100 + day.getUTCDate();
}

/** Symbol that a whole record gives to its instrument: a definition's, or a live session's mapping; else null. */
export function symbolInRecord(
  bytes: Uint8Array,
  position: number,
  rtype: number,
  version: number,
): string | null {
  const text = (fields: readonly (readonly [number, number])[]): string => {
    const [offset, length] = fields[version - 1];
    return readText(bytes, position + offset, length);
  };
  if (rtype === RTYPE_DEFINITION) return text(DEFINITION_SYMBOL) || null;
  if (rtype !== RTYPE_SYMBOL_MAPPING) return null;
  // Where ids were asked for or answered, the other text is the name.
  const out = text(MAPPING_OUT_SYMBOL);
  return (/^\d*$/.test(out) ? text(MAPPING_IN_SYMBOL) : out) || null;
}
