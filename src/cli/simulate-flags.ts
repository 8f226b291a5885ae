import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import { dateFlag, forceFlag, outputFlag, parseDuration } from './flags.ts';

/** A setting of one line, or of both. */
export interface LineSetting<T> {
  readonly line: 'A' | 'B' | 'both';
  readonly value: T;
}

/** Flags of `mdx simulate` as they are parsed. */
export interface SimulateFlags {
  readonly output: string | undefined;
  readonly force: boolean;
  readonly 'line-b': string | undefined;
  readonly truth: string | undefined;
  readonly 'output-format': string | undefined;
  readonly feed: string | undefined;
  readonly profile: string;
  readonly packets: number | undefined;
  readonly 'snapshot-interval': number | undefined;
  readonly seed: number;
  readonly date: string | undefined;
  readonly 'instrument-count': number;
  readonly messages: number;
  readonly 'orders-live': number;
  readonly zipf: number;
  readonly mix: string | undefined;
  readonly bursts: number;
  readonly rate: number;
  readonly loss: LineSetting<number>[] | undefined;
  readonly 'loss-burst': LineSetting<number>[] | undefined;
  readonly dup: LineSetting<number>[] | undefined;
  readonly reorder: LineSetting<number>[] | undefined;
  readonly 'reorder-depth': LineSetting<number>[] | undefined;
  readonly skew: LineSetting<number>[] | undefined;
  readonly corrupt: LineSetting<number>[] | undefined;
  readonly 'corrupt-part': LineSetting<'framing' | 'message'>[] | undefined;
}

type Definitions<T> = {
  [K in keyof T]: T[K] extends boolean ? BooleanFlag<boolean> : OptionFlag<T[K]>;
};

/** Flags that are about lines of packets. */
export const LINE_FLAGS: readonly (keyof SimulateFlags)[] = [
  'line-b',
  'loss',
  'loss-burst',
  'dup',
  'reorder',
  'reorder-depth',
  'skew',
  'corrupt',
  'corrupt-part',
];

export const simulateFlags: Definitions<SimulateFlags> = {
  output: outputFlag,
  force: forceFlag,
  'line-b': Flags.string({ summary: 'write the second line of packets to this file', helpValue: 'FILE' }),
  truth: Flags.string({
    summary: 'write the truth about the session to this file, as JSON',
    helpValue: 'FILE',
  }),
  'output-format': Flags.string({
    summary: 'form of the session; by the extension of the file unless given, else pcap',
    options: ['pcap', 'pcapng', 'dbn'],
  }),
  feed: Flags.string({
    summary: 'feed of the packets',
    options: ['itch', 'eobi', 'fast-like'],
    defaultHelp: async () => 'itch',
  }),
  profile: Flags.string({
    summary:
      'a day at the exchange, or the public fixture of 64 instruments with 64 or 128 orders each: events as DBN, messages with --feed eobi',
    options: ['exchange', 'fixture-64x64', 'fixture-64x128'],
    default: 'exchange',
  }),
  packets: Flags.integer({
    summary: 'packets of the fixture as EOBI, four messages each (512 unless given)',
    helpValue: 'COUNT',
    min: 1,
    max: 1_000_000,
  }),
  'snapshot-interval': Flags.custom<number>({
    summary: 'time from one snapshot of EOBI to the next (250ms unless given)',
    helpValue: 'DURATION',
    parse: async (text) => parseDuration('snapshot-interval', text),
  })(),
  seed: single('decides everything that is random', 'NUMBER', 1, (text) =>
    parseCount('seed', text, 0, 0xffffffff),
  ),
  date: dateFlag,
  'instrument-count': count('instrument-count', 'how many instruments are traded', 8, 1, 65_535),
  messages: count('messages', 'messages between the open and the close', 100_000, 0, 1e12),
  'orders-live': count('orders-live', 'orders in all books once they have filled up', 10_000, 1, 10_000_000),
  zipf: number('zipf', "exponent of the instruments' activity; 0 = all are alike", 1, 4),
  mix: Flags.string({
    summary: 'weights of add, delete, replace, modify, reduce, execute, trade and break',
    helpValue: 'NAME=WEIGHT,…',
  }),
  bursts: share('bursts', 'share of the messages that come in bursts', 0.3, 0.95),
  rate: count('rate', 'messages per second, on average', 100_000, 1, 10_000_000),
  loss: shareOfLine('loss', 'share of the packets that are lost; A=SHARE or B=SHARE for one line'),
  'loss-burst': countOfLine('loss-burst', 'mean number of packets lost in a row', 1_000_000),
  dup: shareOfLine('dup', 'share of the packets that come twice'),
  reorder: shareOfLine('reorder', 'share of the packets that come late'),
  'reorder-depth': countOfLine(
    'reorder-depth',
    'most packets that a late one comes behind (4 unless given)',
    1024,
  ),
  skew: perLine('how much later everything arrives (ns, us, ms, s)', 'DURATION', (text) =>
    parseDuration('skew', text),
  ),
  corrupt: shareOfLine('corrupt', 'share of the packets that are damaged'),
  'corrupt-part': perLine(
    'what damage hits: the framing, so that a reader sees it, or the inside of a message',
    'framing|message',
    (text) => {
      if (text === 'framing' || text === 'message') return text;
      throw new MdxError('usage', `--corrupt-part ${text}: expected framing or message`);
    },
  ),
};

/** The settings of a flag; none for a flag that is about no line, or was not given. */
export function settingsOf(flags: SimulateFlags, flag: keyof SimulateFlags): readonly LineSetting<unknown>[] {
  const value: unknown = flags[flag];
  return Array.isArray(value) ? (value as LineSetting<unknown>[]) : [];
}

/** What the settings of a flag say about a line; the last word counts. */
export function settingOf<T>(
  settings: readonly LineSetting<T>[] | undefined,
  line: 'A' | 'B',
  fallback: T,
): T {
  return settings?.findLast((setting) => setting.line === line || setting.line === 'both')?.value ?? fallback;
}

function perLine<T>(
  summary: string,
  helpValue: string,
  parse: (text: string) => T,
): OptionFlag<LineSetting<T>[] | undefined> {
  return Flags.custom<LineSetting<T>>({
    summary,
    helpValue,
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'LINES',
    parse: async (text) => {
      const match = /^([AB])=(.*)$/.exec(text);
      if (match === null) return { line: 'both', value: parse(text) };
      return { line: match[1] as 'A' | 'B', value: parse(match[2]) };
    },
  })({ multiple: true });
}

function shareOfLine(flag: string, summary: string): OptionFlag<LineSetting<number>[] | undefined> {
  return perLine(summary, 'SHARE', (text) => parseShare(flag, text, 1));
}

function countOfLine(
  flag: string,
  summary: string,
  max: number,
): OptionFlag<LineSetting<number>[] | undefined> {
  return perLine(summary, 'COUNT', (text) => parseCount(flag, text, 1, max));
}

function share(flag: string, summary: string, fallback: number, max: number): OptionFlag<number> {
  return single(summary, 'SHARE', fallback, (text) => parseShare(flag, text, max));
}

function count(
  flag: string,
  summary: string,
  fallback: number,
  min: number,
  max: number,
): OptionFlag<number> {
  return single(summary, 'COUNT', fallback, (text) => parseCount(flag, text, min, max));
}

function number(flag: string, summary: string, fallback: number, max: number): OptionFlag<number> {
  return single(summary, 'NUMBER', fallback, (text) => {
    const value = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (value <= max) return value;
    throw new MdxError('usage', `--${flag} ${text}: expected a number from 0 to ${max}`);
  });
}

function single(
  summary: string,
  helpValue: string,
  fallback: number,
  parse: (text: string) => number,
): OptionFlag<number> {
  return Flags.custom<number>({
    summary,
    helpValue,
    default: fallback,
    defaultHelp: async () => String(fallback),
    parse: async (text) => parse(text),
  })();
}

/** A share such as `0.01` or `1%`, as a number 0 … `max`. */
function parseShare(flag: string, text: string, max: number): number {
  const match = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (value <= max) return value;
  throw new MdxError('usage', `--${flag} ${text}: expected a share from 0 to ${max}, such as 0.01 or 1%`);
}

function parseCount(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new MdxError('usage', `--${flag} ${text}: expected an integer from ${min} to ${max}`);
}
