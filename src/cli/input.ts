import type { Address } from '../core/capture/address.ts';
import { MdxError } from '../core/errors.ts';
import type { Destination } from '../core/pipeline/flows.ts';
import type { RunOptions } from '../core/pipeline/run-options.ts';
import type { BookFilter } from '../core/pipeline/wanted-books.ts';
import {
  batchEventsFlag,
  dateFlag,
  feedFlag,
  fromFlag,
  gapTimeoutFlag,
  groupFlag,
  instrumentFlag,
  instrumentsFlag,
  limitFlag,
  portFlag,
  snapshotFlag,
  startFlag,
  symbolFlag,
  untilFlag,
} from './flags.ts';
import { type RecoveryFlags, recoveryFlags } from './merge-flags.ts';
import { rebuildFlag } from './recovered-input.ts';
import { serverToken, tokenFileFlag } from './token.ts';

/** Flags of every command that reads captures and builds books: what is read, and how. */
export const readFlags: {
  readonly feed: typeof feedFlag;
  readonly port: typeof portFlag;
  readonly group: typeof groupFlag;
  readonly snapshot: typeof snapshotFlag;
  readonly from: typeof fromFlag;
  readonly until: typeof untilFlag;
  readonly limit: typeof limitFlag;
  readonly symbol: typeof symbolFlag;
  readonly instrument: typeof instrumentFlag;
  readonly instruments: typeof instrumentsFlag;
  readonly date: typeof dateFlag;
  readonly start: typeof startFlag;
  readonly 'gap-timeout': typeof gapTimeoutFlag;
  readonly 'batch-events': typeof batchEventsFlag;
  readonly 'token-file': typeof tokenFileFlag;
} = {
  feed: feedFlag,
  port: portFlag,
  group: groupFlag,
  snapshot: snapshotFlag,
  from: fromFlag,
  until: untilFlag,
  limit: limitFlag,
  symbol: symbolFlag,
  instrument: instrumentFlag,
  instruments: instrumentsFlag,
  date: dateFlag,
  start: startFlag,
  'gap-timeout': gapTimeoutFlag,
  'batch-events': batchEventsFlag,
  'token-file': tokenFileFlag,
};

/** The same with what fills the holes of one input. */
export const inputFlags: typeof readFlags & { readonly rebuild: typeof rebuildFlag } & typeof recoveryFlags =
  { ...readFlags, ...recoveryFlags, rebuild: rebuildFlag };

/** The same as they are parsed. */
export interface ReadFlags {
  readonly feed: string | undefined;
  readonly port: number[] | undefined;
  readonly group: string[] | undefined;
  readonly snapshot: string[] | undefined;
  readonly from: bigint | undefined;
  readonly until: bigint | undefined;
  readonly limit: number | undefined;
  readonly symbol: string[] | undefined;
  readonly instrument: bigint[] | undefined;
  readonly instruments: string | undefined;
  readonly date: string | undefined;
  readonly start: bigint | 'first-seen' | 'snapshot';
  readonly 'gap-timeout': number;
  readonly 'batch-events': number;
  readonly 'token-file'?: string | undefined;
}

export interface InputFlags extends ReadFlags, RecoveryFlags {
  readonly 'recovery-timeout': number;
  readonly rebuild: boolean;
}

/** The part of a run that these flags choose. */
export type InputOptions = Omit<
  RunOptions,
  | 'stopAt'
  | 'invariants'
  | 'observers'
  | 'pacer'
  | 'steps'
  | 'resume'
  | 'follow'
  | 'beginAt'
  | 'endsOpen'
  | 'signal'
  | 'tell'
  | 'open'
  | 'stop'
  | 'breathe'
>;

export async function inputOptions(paths: readonly string[], flags: ReadFlags): Promise<InputOptions> {
  // Loaded here, so that help does not wait for them.
  const { FEEDS } = await import('../core/feeds/registry.ts');
  const { parseAddress } = await import('../core/capture/address.ts');
  const { ONE_LINE } = await import('../core/merge/session-merge.ts');
  const { readInstruments } = await import('../core/pipeline/instruments-file.ts');
  if (paths.indexOf('-') !== paths.lastIndexOf('-')) {
    throw new MdxError('usage', 'standard input (-) can be read once, and it was given more than once');
  }
  return {
    paths,
    feeds: FEEDS,
    feedName: flags.feed ?? null,
    ports: flags.port === undefined ? null : new Set(flags.port),
    groups: flags.group === undefined ? null : flags.group.map((group) => parseAddress(group)!.words),
    snapshots: (flags.snapshot ?? []).map((text) => destinationOf(text, parseAddress)),
    snapshotRequired: flags.start === 'snapshot',
    from: flags.from ?? null,
    until: flags.until ?? null,
    messagesMax: flags.limit ?? Number.POSITIVE_INFINITY,
    books: bookFilter(flags.symbol, flags.instrument),
    naming: flags.instruments === undefined ? null : await readInstruments(flags.instruments),
    date: flags.date ?? null,
    arbiter: {
      ...ONE_LINE,
      gapTimeoutNs: flags['gap-timeout'],
      start: typeof flags.start === 'bigint' ? Number(flags.start) : 'first-seen',
    },
    batchEvents: flags['batch-events'],
    token: await serverToken(flags['token-file']),
  };
}

/** Reads `GROUP:PORT`, `[GROUP]:PORT` for IPv6. Throws MdxError `usage`. */
function destinationOf(text: string, parse: (address: string) => Address | null): Destination {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match === null ? null : parse(match[1] ?? match[2]!);
  const port = Number(match?.[3] ?? 0);
  if (address !== null && port >= 1 && port <= 65_535) return { address: address.words, port };
  throw new MdxError('usage', `--snapshot ${text}: expected GROUP:PORT such as 224.0.50.1:59000`);
}

/** The books that --symbol and --instrument name; null = all. */
export function bookFilter(
  symbols: string[] | undefined,
  instruments: bigint[] | undefined,
): BookFilter | null {
  if (symbols === undefined && instruments === undefined) return null;
  return (book) =>
    (book.symbol !== null && (symbols?.includes(book.symbol) ?? false)) ||
    (instruments?.includes(book.instrument) ?? false);
}
