import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';

/* Flags about what goes wrong on lines of packets, for whoever makes or sends such lines. */

/** A setting of one line, or of both. */
export interface LineSetting<T> {
  readonly line: 'A' | 'B' | 'both';
  readonly value: T;
}

/** What goes wrong, per line, as it is parsed. */
export interface ImpairmentFlags {
  readonly loss: LineSetting<number>[] | undefined;
  readonly 'loss-burst': LineSetting<number>[] | undefined;
  readonly dup: LineSetting<number>[] | undefined;
  readonly reorder: LineSetting<number>[] | undefined;
  readonly 'reorder-depth': LineSetting<number>[] | undefined;
  readonly corrupt: LineSetting<number>[] | undefined;
}

export const seedFlag: OptionFlag<number> = single('decides everything that is random', 'NUMBER', 1, (text) =>
  parseCount('seed', text, 0, 0xffffffff),
);

export const impairmentFlags: {
  readonly [K in keyof ImpairmentFlags]: OptionFlag<ImpairmentFlags[K]>;
} = {
  loss: shareOfLine('loss', 'share of the packets that are lost; A=SHARE or B=SHARE for one line'),
  'loss-burst': countOfLine('loss-burst', 'mean number of packets lost in a row', 1_000_000),
  dup: shareOfLine('dup', 'share of the packets that come twice'),
  reorder: shareOfLine('reorder', 'share of the packets that come late'),
  'reorder-depth': countOfLine(
    'reorder-depth',
    'most packets that a late one comes behind (4 unless given)',
    1024,
  ),
  corrupt: shareOfLine('corrupt', 'share of the packets that are damaged'),
};

/** What the settings of a flag say about a line; the last word counts. */
export function settingOf<T>(
  settings: readonly LineSetting<T>[] | undefined,
  line: 'A' | 'B',
  fallback: T,
): T {
  return settings?.findLast((setting) => setting.line === line || setting.line === 'both')?.value ?? fallback;
}

export function perLine<T>(
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

/** A flag with one value that has a default. */
export function single(
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
export function parseShare(flag: string, text: string, max: number): number {
  const match = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (value <= max) return value;
  throw new MdxError('usage', `--${flag} ${text}: expected a share from 0 to ${max}, such as 0.01 or 1%`);
}

export function parseCount(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new MdxError('usage', `--${flag} ${text}: expected an integer from ${min} to ${max}`);
}
