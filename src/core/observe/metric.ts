/** A value of a metric with the values of its labels, in the order of the declaration. */
export interface Sample {
  readonly labels: readonly string[];
  readonly value: number;
}

/** Counted times of a histogram. */
export interface HistogramSample {
  readonly labels: readonly string[];
  /** Up to each edge of the declaration, not cumulative, and the ones above the last edge. */
  readonly counts: readonly number[];
  /** Of all that was observed, in the unit of the edges. */
  readonly sum: number;
}

interface MetricHead {
  readonly name: string;
  /** One sentence, for HELP and for the documentation. */
  readonly help: string;
  readonly labels: readonly string[];
}

/** A metric: declared once, with where its values come from. `Sources` is whatever they are read from. */
export type Metric<Sources> =
  | (MetricHead & {
      readonly type: 'counter' | 'gauge';
      readonly read: (sources: Sources) => readonly Sample[];
    })
  | (MetricHead & {
      readonly type: 'histogram';
      /** Ascending, in seconds. */
      readonly edges: readonly number[];
      readonly read: (sources: Sources) => readonly HistogramSample[];
    });

/** A value without labels. */
export function single(value: number): readonly Sample[] {
  return [{ labels: [], value }];
}

/** One value for each key of a record. */
export function byKey(values: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: [key], value }));
}
