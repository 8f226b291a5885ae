import { formatHash } from '../binary/fnv64.ts';
import type { Market } from '../book/market.ts';
import { stateHash } from '../book/state-hash.ts';
import {
  REJECT_NAMES,
  TALLY_CROSSED_AT_LAST,
  TALLY_DUPLICATE_ORDER,
  TALLY_GROUPS,
  TALLY_INFORMS,
  TALLY_LOCKED_AT_LAST,
  TALLY_OVER_REDUCED,
  TALLY_REJECTED,
  TALLY_UNKNOWN_DELETE,
  TALLY_UNKNOWN_EXECUTE,
  TALLY_UNKNOWN_INFORMS,
  TALLY_UNKNOWN_MODIFY,
  TALLY_UNKNOWN_REDUCE,
  TALLY_UNKNOWN_REPLACE,
} from '../book/tally.ts';
import { bestOf, levelsOn, ordersIn } from '../book/view.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { KIND_NAMES } from '../event/record.ts';
import type { ProductNumbers } from '../feeds/feed.ts';
import type { Gap } from '../merge/counts.ts';
import type { Channel } from './flows.ts';
import { type LevelReport, levelReport, levelReports } from './level-report.ts';
import { headFor, type RowHead } from './rows/row-head.ts';
import type { RunResult } from './run.ts';
import type { Damage, InputResult } from './run-state.ts';

export interface InstrumentReport extends Partial<DepthReport> {
  readonly source: string;
  readonly publisher: number;
  readonly instrument: string;
  readonly symbol: string | null;
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly orders: number;
  readonly stale: boolean;
  readonly bid: LevelReport | null;
  readonly ask: LevelReport | null;
}

/** The levels of a book, best first, and how many there are in all: in the report of `book`. */
export interface DepthReport {
  readonly bidLevels: number;
  readonly askLevels: number;
  readonly bids: readonly LevelReport[];
  readonly asks: readonly LevelReport[];
}

/** What was read from one file. */
export interface InputReport {
  readonly path: string;
  readonly format: string;
  readonly bytes: string;
  readonly packets: number | null;
  readonly datagrams: number | null;
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  readonly truncated: boolean;
  readonly skipped: Readonly<Record<string, number>>;
  /** The image that the books began with; absent where there is none. */
  readonly image?: {
    readonly event: string;
    readonly records: number;
    readonly written: string | null;
  };
}

export interface ChannelReport {
  readonly channel: number;
  readonly session: string | null;
  readonly first: string | null;
  readonly last: string | null;
  readonly packets: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly late: number;
  readonly unsequenced: number;
  /** Numbers with other bytes on another line; absent where the channel came on one. */
  readonly conflicts?: number;
  readonly gaps: readonly { readonly from: string; readonly to: string; readonly state: Gap['state'] }[];
  /** Ranges beyond those that are kept one by one. */
  readonly gapsNotListed?: number;
}

/** One product of a feed whose products number their messages. */
export interface ProductReport {
  readonly segment: number;
  readonly channel: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly lost: number;
  readonly snapshots: number;
  readonly complete: boolean;
}

/** The report of `replay` and `book`, as docs/report.md describes it for machines. */
export interface RunReport {
  readonly command: string;
  readonly version: string;
  readonly inputs: readonly InputReport[];
  readonly feed: {
    readonly protocol: string | null;
    readonly framing: string | null;
    readonly messages: number;
    readonly messagesByType: Readonly<Record<string, number>>;
    readonly timeBase: string;
    readonly unknownMessages: number;
    readonly malformed: number;
    /** Cases worth a look that are no fault of a message, by what they are. */
    readonly remarks: Readonly<Record<string, number>>;
  };
  readonly sequence: {
    readonly channels: readonly ChannelReport[];
    /** Only of feeds whose products number their messages on their own. */
    readonly products?: readonly ProductReport[];
  } | null;
  readonly events: Readonly<Record<string, number>>;
  readonly anomalies: {
    readonly unknownOrder: Readonly<Record<string, number>>;
    readonly duplicateOrder: number;
    readonly overReduced: number;
    readonly rejected: number;
    readonly rejectedBy: Readonly<Record<string, number>>;
    readonly crossedAtLast: number;
    readonly lockedAtLast: number;
  };
  /** The last event that reached the books, null before the first. */
  readonly asOf: AsOf | null;
  readonly book: BookReport;
  readonly sources?: readonly (BookReport & { readonly source: string; readonly channel: number })[];
  readonly instruments: readonly InstrumentReport[];
  readonly invariants: { readonly checks: number; readonly problems: readonly string[] } | null;
  readonly damage: readonly { readonly path: string; readonly offset: string; readonly problem: string }[];
  readonly stopped: string | null;
  /** The file that was written, if any. */
  readonly output?: OutputReport;
  readonly timing: {
    readonly elapsedNs: string;
    readonly messagesPerSecond: number;
    readonly eventsPerSecond: number;
  };
}

export interface OutputReport {
  readonly path: string;
  readonly format: string;
  /** Rows or records. */
  readonly written: number;
  /** Of them, changed because the form cannot say what the event said; only where that was allowed. */
  readonly lossy?: number;
  /** Where the journal stands; only of a journal. */
  readonly journal?: {
    readonly lastEvent: number;
    readonly durableEvent: number;
    readonly segments: number;
    readonly bytes: number;
    readonly epoch: string;
    readonly stalls?: number;
  };
}

/** Where in the input the books stand. */
export type AsOf = Pick<RowHead, 'channel' | 'sequence' | 'venueTime' | 'receiveTime'>;

export interface BookReport {
  readonly instruments: number;
  readonly orders: number;
  readonly levels: number;
  /** Null where books of several sources stand side by side: then each has its own. */
  readonly stateHash: string | null;
  readonly stateHashVersion: number | null;
}

export interface ReportOptions {
  readonly command: string;
  readonly version: string;
  /** List instruments without orders, too. */
  readonly allInstruments: boolean;
  /** Levels of each side to list with every instrument, and whether with the orders of each. */
  readonly depth?: { readonly levels: number; readonly queues: boolean };
}

/** Puts the result of a run into the words of the report. */
export function reportOf(result: RunResult, options: ReportOptions): RunReport {
  const { counts, feed, books } = result;
  const { markets } = books;
  const total = (slot: number): number => markets.reduce((sum, market) => sum + market.tally[slot]!, 0);
  const events = eventCounts(markets, total(TALLY_INFORMS), total(TALLY_GROUPS));
  const rejectedBy = Object.fromEntries(
    REJECT_NAMES.map((name, reason) => [name, total(TALLY_REJECTED + reason)] as const).filter(
      ([, n]) => n > 0,
    ),
  );
  const perSource = markets.map((market) => bookReport(market));
  const single = perSource.length <= 1;
  const seconds = result.elapsedNs / 1e9;
  return {
    command: options.command,
    version: options.version,
    inputs: result.inputs.map(inputReport),
    feed: {
      protocol: protocolOf(result),
      framing: result.framing,
      messages: counts.messages,
      messagesByType: messagesByType(result),
      timeBase: result.timeBase,
      unknownMessages: counts.unknown,
      malformed: counts.malformed,
      remarks: Object.fromEntries([...counts.remarks.values()].map(({ kind, count }) => [kind, count])),
    },
    sequence: sequenceOf(result),
    events,
    anomalies: {
      unknownOrder: {
        modify: total(TALLY_UNKNOWN_MODIFY),
        replace: total(TALLY_UNKNOWN_REPLACE),
        reduce: total(TALLY_UNKNOWN_REDUCE),
        delete: total(TALLY_UNKNOWN_DELETE),
        execute: total(TALLY_UNKNOWN_EXECUTE),
        informs: total(TALLY_UNKNOWN_INFORMS),
      },
      duplicateOrder: total(TALLY_DUPLICATE_ORDER),
      overReduced: total(TALLY_OVER_REDUCED),
      rejected: Object.values(rejectedBy).reduce((sum, n) => sum + n, 0),
      rejectedBy,
      crossedAtLast: total(TALLY_CROSSED_AT_LAST),
      lockedAtLast: total(TALLY_LOCKED_AT_LAST),
    },
    asOf: asOf(result),
    book: single ? (perSource[0] ?? bookReport(books.marketOf(0))) : sumOf(perSource),
    ...(single
      ? {}
      : { sources: perSource.map((report, channel) => ({ source: feed?.name ?? '', channel, ...report })) }),
    instruments: instrumentsOf(result, options),
    invariants:
      result.invariants === null
        ? null
        : { checks: result.invariants.checks, problems: result.invariants.problems },
    damage: damageReports(result.damage),
    stopped: result.stopped,
    timing: {
      elapsedNs: String(Math.round(result.elapsedNs)),
      messagesPerSecond: Math.round(counts.messages / seconds),
      eventsPerSecond: Math.round(events['total']! / seconds),
    },
  };
}

/** What the input says it carries: of several streams with different contents the feed's name. */
function protocolOf({ feed, streams }: RunResult): string | null {
  const said = new Set(streams.map(({ protocol }) => protocol ?? null));
  const [only] = said;
  return (said.size === 1 ? only : null) ?? feed?.name ?? null;
}

/** What was read from one file, for a report. */
export function inputReport(input: InputResult): InputReport {
  const { image } = input;
  return {
    path: input.path,
    format: input.format,
    bytes: String(input.bytes),
    packets: input.packets,
    datagrams: input.datagrams,
    firstTime: text(input.firstTime),
    lastTime: text(input.lastTime),
    truncated: input.truncated,
    skipped: Object.fromEntries(input.skipped),
    ...(image === undefined
      ? {}
      : {
          image: { event: String(image.event), records: image.records, written: text(image.written) },
        }),
  };
}

/** Where files could not be read any further, for a report. */
export function damageReports(damage: readonly Damage[]): RunReport['damage'] {
  return damage.map(({ path, offset, problem }) => ({ path, offset: String(offset), problem }));
}

function eventCounts(markets: readonly Market[], informs: number, groups: number): Record<string, number> {
  const counts: Record<string, number> = { total: 0 };
  for (const [kind, name] of KIND_NAMES.entries()) {
    if (name === '') continue;
    const count = markets.reduce((sum, market) => sum + market.events[kind]!, 0);
    counts[name] = count;
    counts['total']! += count;
  }
  counts['informs'] = informs;
  counts['groups'] = groups;
  return counts;
}

function messagesByType({ feed, counts }: RunResult): Record<string, number> {
  const byType: Record<string, number> = {};
  if (feed === null) return byType;
  for (const [type, count] of counts.byType.entries()) if (count > 0) byType[feed.typeName(type)] = count;
  return byType;
}

function sequenceOf(result: RunResult): RunReport['sequence'] {
  const channels = result.channels.flatMap((channel) => channelReports(channel));
  for (const { sequence } of result.streams) {
    if (sequence === null) continue;
    channels.push({
      channel: 0,
      session: sequence.session,
      first: text(sequence.first),
      last: text(sequence.last),
      packets: 0,
      duplicates: sequence.duplicates,
      outOfOrder: 0,
      late: 0,
      unsequenced: sequence.unsequenced,
      gaps: [],
    });
  }
  if (channels.length === 0 && result.streams.length > 0) return null;
  const products = result.products.map(productReport);
  return products.length === 0 ? { channels } : { channels, products };
}

function productReport(product: ProductNumbers): ProductReport {
  const { segment, channel, first, last, lost, snapshots, complete } = product;
  return { segment, channel, first: text(first), last: text(last), lost, snapshots, complete };
}

function channelReports({ number, decoder, arbiter, flows }: Channel): ChannelReport[] {
  return arbiter.sessions.map((counts) => {
    const { packets, duplicates, outOfOrder, late, unsequenced } = counts.total;
    const { list, notListed } = counts.gaps;
    return {
      channel: number,
      session: decoder.sessionText(counts.session),
      first: text(counts.first),
      last: text(counts.last),
      packets,
      duplicates,
      outOfOrder,
      late,
      unsequenced,
      ...(flows.length > 1 ? { conflicts: counts.conflicts } : {}),
      gaps: list.map(({ from, to, state }) => ({ from: String(from), to: String(to), state })),
      ...(notListed > 0 ? { gapsNotListed: notListed } : {}),
    };
  });
}

function bookReport(market: Market): BookReport {
  let instruments = 0;
  for (let book = 0; book < market.books; book += 1) {
    if (market.levels.bestLevel[book * 2] !== 0 || market.levels.bestLevel[book * 2 + 1] !== 0)
      instruments += 1;
  }
  const { hash, version } = stateHash(market);
  return {
    instruments,
    orders: market.orders.live,
    levels: market.levels.inUse,
    stateHash: formatHash(hash),
    stateHashVersion: version,
  };
}

function asOf({ books: { last } }: RunResult): AsOf | null {
  if (last.count === 0) return null;
  const { channel, sequence, venueTime, receiveTime } = headFor(last, 0, undefined);
  return { channel, sequence, venueTime, receiveTime };
}

function sumOf(reports: readonly BookReport[]): BookReport {
  const sum = (field: 'instruments' | 'orders' | 'levels'): number =>
    reports.reduce((total, report) => total + report[field], 0);
  return {
    instruments: sum('instruments'),
    orders: sum('orders'),
    levels: sum('levels'),
    stateHash: null,
    stateHashVersion: null,
  };
}

function instrumentsOf(
  { books }: RunResult,
  { allInstruments: all, depth }: ReportOptions,
): InstrumentReport[] {
  const rows: { readonly definition: BookDefinition; readonly report: InstrumentReport }[] = [];
  for (const definition of books.dictionary.books) {
    const market = books.marketOf(definition.channel);
    if (definition.number >= market.books) continue;
    const report = instrumentReport(market, definition);
    if (!all && report.bid === null && report.ask === null) continue;
    rows.push({
      definition,
      report: depth === undefined ? report : { ...report, ...depthReport(market, definition, depth) },
    });
  }
  rows.sort(({ definition: a }, { definition: b }) =>
    a.publisher !== b.publisher ? a.publisher - b.publisher : a.instrument < b.instrument ? -1 : 1,
  );
  return rows.map(({ report }) => report);
}

/** One book as it is: its identity, state and best prices. */
export function instrumentReport(market: Market, definition: BookDefinition): InstrumentReport {
  const { number } = definition;
  const bid = bestOf(market, number, false);
  const ask = bestOf(market, number, true);
  return {
    source: definition.source,
    publisher: definition.publisher,
    instrument: String(definition.instrument),
    symbol: definition.symbol,
    priceScale: definition.priceScale,
    quantityScale: definition.quantityScale,
    orders: ordersIn(market, number),
    stale: market.stale[number] === 1,
    bid: bid === null ? null : levelReport(bid, definition),
    ask: ask === null ? null : levelReport(ask, definition),
  };
}

/** The levels of one book. */
export function depthReport(
  market: Market,
  definition: BookDefinition,
  { levels, queues }: NonNullable<ReportOptions['depth']>,
): DepthReport {
  return {
    bidLevels: levelsOn(market, definition.number, false),
    askLevels: levelsOn(market, definition.number, true),
    bids: levelReports(market, definition, false, levels, queues),
    asks: levelReports(market, definition, true, levels, queues),
  };
}

function text(value: bigint | number | null): string | null {
  return value === null ? null : String(value);
}
