import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import type { WireRate } from '../core/pipeline/wire-schedule.ts';
import type { Impairments } from '../core/simulate/impairment.ts';
import { type ImpairmentFlags, impairmentFlags, parseCount, seedFlag, settingOf } from './line-flags.ts';

/** Flags of `mdx replay` that send packets onto the wire, as they are parsed. */
export interface WireFlags extends ImpairmentFlags {
  readonly to: string[] | undefined;
  readonly 'to-a': string | undefined;
  readonly 'to-b': string | undefined;
  readonly pps: number | undefined;
  readonly mbps: number | undefined;
  readonly loop: number | undefined;
  readonly seed: number;
}

export const wireFlags: { readonly [K in keyof WireFlags]: OptionFlag<WireFlags[K]> } = {
  to: Flags.string({
    summary: 'send the datagrams to this address; given twice, to two lines A and B that carry the same',
    helpValue: 'udp://ADDRESS:PORT',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'WIRE',
  }),
  'to-a': Flags.string({
    summary: "send the datagrams of the capture's line A to this address",
    helpValue: 'udp://ADDRESS:PORT',
    helpGroup: 'WIRE',
  }),
  'to-b': Flags.string({
    summary: 'the same for line B',
    helpValue: 'udp://ADDRESS:PORT',
    helpGroup: 'WIRE',
  }),
  pps: rate('pps', 'datagrams per second on each line, instead of their own times'),
  mbps: rate('mbps', 'megabits of UDP payload per second on each line, instead of their own times'),
  loop: Flags.custom<number>({
    summary: 'send the capture so many times, one after the other',
    helpValue: 'COUNT',
    helpGroup: 'WIRE',
    parse: async (text) => parseCount('loop', text, 1, 1e9),
  })(),
  ...impairmentFlags,
  seed: seedFlag,
};

/** Where the lines go; `takes` as WireLineOptions has it. */
export interface WireDestination {
  readonly name: 'A' | 'B';
  readonly to: string;
  readonly takes: 'A' | 'B' | null;
}

/** @returns null where nothing is to be sent. Throws MdxError `usage` for flags that do not fit. */
export function wireDestinations(flags: WireFlags): WireDestination[] | null {
  const { to = [], 'to-a': a, 'to-b': b } = flags;
  const split: WireDestination[] = [];
  if (a !== undefined) split.push({ name: 'A', to: a, takes: 'A' });
  if (b !== undefined) split.push({ name: 'B', to: b, takes: 'B' });
  if (to.length > 2 || (to.length > 0 && split.length > 0)) {
    throw new MdxError('usage', 'there are two lines: use --to once or twice, or --to-a and --to-b');
  }
  const both = to.map((to, index): WireDestination => ({ name: index === 0 ? 'A' : 'B', to, takes: null }));
  const lines = [...split, ...both];
  const alone = ONLY_WITH_TO.find((flag) => flags[flag] !== undefined);
  if (lines.length === 0) {
    if (alone === undefined) return null;
    throw new MdxError('usage', `--${alone} is about datagrams that are sent`, {
      hint: 'Say where with --to udp://ADDRESS:PORT.',
    });
  }
  const names: readonly string[] = lines.map(({ name }) => name);
  for (const flag of LINE_FLAGS) {
    const absent = flags[flag]?.find(({ line }) => line !== 'both' && !names.includes(line));
    if (absent !== undefined)
      throw new MdxError('usage', `--${flag} ${absent.line}=…: there is no line ${absent.line}`);
  }
  return lines;
}

export function wireRate(speed: number, { pps, mbps }: WireFlags): WireRate {
  const given = [Number.isFinite(speed) ? 'speed' : null, pps && 'pps', mbps && 'mbps'].filter(Boolean);
  if (given.length > 1) {
    throw new MdxError('usage', `--${given[0]} and --${given[1]} both say how fast: use one of them`);
  }
  if (pps !== undefined) return { kind: 'packets', perSecond: pps };
  if (mbps !== undefined) return { kind: 'bits', perSecond: mbps * 1e6 };
  return Number.isFinite(speed) ? { kind: 'recorded', factor: speed } : { kind: 'top' };
}

/** What goes wrong on a line; null = nothing. */
export function wireImpairments(
  flags: ImpairmentFlags,
  line: 'A' | 'B',
  perfect: Impairments,
): Impairments | null {
  const impairments: Impairments = {
    ...perfect,
    loss: settingOf(flags.loss, line, 0),
    lossBurst: settingOf(flags['loss-burst'], line, perfect.lossBurst),
    duplicates: settingOf(flags.dup, line, 0),
    reorder: settingOf(flags.reorder, line, 0),
    reorderDepth: settingOf(flags['reorder-depth'], line, perfect.reorderDepth),
    corrupt: settingOf(flags.corrupt, line, 0),
    corruptPart: 'message',
  };
  const { loss, duplicates, reorder, corrupt } = impairments;
  return loss + duplicates + reorder + corrupt > 0 ? impairments : null;
}

const LINE_FLAGS = ['loss', 'loss-burst', 'dup', 'reorder', 'reorder-depth', 'corrupt'] as const;
const ONLY_WITH_TO = ['pps', 'mbps', 'loop', ...LINE_FLAGS] as const;

function rate(flag: string, summary: string): OptionFlag<number | undefined> {
  return Flags.custom<number>({
    summary,
    helpValue: 'NUMBER',
    helpGroup: 'WIRE',
    parse: async (text) => {
      const value = /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
      if (value > 0) return value;
      throw new MdxError('usage', `--${flag} ${text}: expected a number above 0`);
    },
  })();
}
