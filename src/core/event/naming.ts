/** One line of a naming file (`--instruments FILE.csv`). */
export interface InstrumentName {
  readonly symbol: string | null;
  readonly tick: bigint | null;
  readonly priceScale: number | null;
  readonly quantityScale: number | null;
}

/** Names, ticks and scales given by the user; they win over what the feed says. */
export interface Naming {
  readonly byInstrument: ReadonlyMap<bigint, InstrumentName>;
}
