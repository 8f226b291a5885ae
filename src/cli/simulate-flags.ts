import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import { dateFlag, forceFlag, outputFlag, parseDuration } from './flags.ts';
import {
  type ImpairmentFlags,
  impairmentFlags,
  type LineSetting,
  parseCount,
  parseShare,
  perLine,
  seedFlag,
  single,
} from './line-flags.ts';

/** Flags of `mdx simulate` as they are parsed. */
export interface SimulateFlags extends ImpairmentFlags {
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
  readonly skew: LineSetting<number>[] | undefined;
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
  seed: seedFlag,
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
  ...impairmentFlags,
  skew: perLine('how much later everything arrives (ns, us, ms, s)', 'DURATION', (text) =>
    parseDuration('skew', text),
  ),
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
