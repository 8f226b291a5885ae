import type { LineName } from './line.ts';
import { FEED_NAMES, type Simulation, type SimulationFormat } from './simulation.ts';
import { type LineCounts, lineCounts } from './truth.ts';

/** What `mdx simulate` prints (docs/simulate.md). */
export interface SimulateReport {
  readonly command: 'simulate';
  readonly version: string;
  readonly profile: string;
  readonly format: SimulationFormat;
  /** As reports of a replay name it. */
  readonly feed: string;
  readonly seed: number;
  readonly date: string;
  /** Null for DBN, which has no sessions. */
  readonly session: string | null;
  /** Messages or records in all. */
  readonly messages: number;
  readonly messagesByType: Readonly<Record<string, number>>;
  readonly lines: readonly (LineCounts & {
    readonly name: LineName;
    readonly group: string;
    readonly port: number;
  })[];
  readonly books: { readonly instruments: number; readonly orders: number };
  readonly outputs: readonly { readonly path: string; readonly bytes: string }[];
  readonly timing: { readonly elapsedNs: string; readonly messagesPerSecond: number };
}

export interface ReportFacts {
  readonly version: string;
  readonly profile: string;
  readonly format: SimulationFormat;
  readonly written: readonly { readonly path: string; readonly bytes: number }[];
  readonly elapsedNs: bigint;
}

export function simulateReport(simulation: Simulation, facts: ReportFacts): SimulateReport {
  const { source, books, lines, options, session } = simulation;
  const orders = source.instruments.map((_, index) => books.orders(index));
  const messagesByType = simulation.messagesByType();
  const messages = Object.values(messagesByType).reduce((sum, count) => sum + count, 0);
  return {
    command: 'simulate',
    version: facts.version,
    profile: facts.profile,
    format: facts.format,
    feed: FEED_NAMES[simulation.wire],
    seed: options.seed,
    date: options.date,
    session,
    messages,
    messagesByType,
    lines: lines.map((line) => ({
      name: line.profile.name,
      group: line.profile.group,
      port: line.profile.port,
      ...lineCounts(line),
    })),
    books: {
      instruments: orders.filter((count) => count > 0).length,
      orders: orders.reduce((sum, count) => sum + count, 0),
    },
    outputs: facts.written.map(({ path, bytes }) => ({ path, bytes: String(bytes) })),
    timing: {
      elapsedNs: String(facts.elapsedNs),
      messagesPerSecond: Math.round((messages / Number(facts.elapsedNs)) * 1e9),
    },
  };
}
