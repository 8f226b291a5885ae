import { MdxError } from '../errors.ts';

export type MixName = 'add' | 'delete' | 'replace' | 'modify' | 'reduce' | 'execute' | 'trade' | 'break';

/** What members and the market do, and how often it happens relative to the others. */
export type Mix = Readonly<Record<MixName, number>>;

/** About what a day of US equities looks like. */
export const MIX_DEFAULT: Mix = {
  add: 430,
  delete: 405,
  replace: 70,
  modify: 15,
  reduce: 15,
  execute: 55,
  trade: 9,
  break: 1,
};

export const MIX_NAMES: readonly MixName[] = Object.keys(MIX_DEFAULT) as MixName[];

/** Reads `add=45,delete=40`; what is not named keeps its weight. Throws MdxError `usage`. */
export function parseMix(text: string): Mix {
  const mix: Record<MixName, number> = { ...MIX_DEFAULT };
  for (const part of text.split(',')) {
    const match = /^([a-z]+)=(\d{1,6})$/.exec(part);
    const name = MIX_NAMES.find((known) => known === match?.[1]);
    if (match === null || name === undefined) {
      throw new MdxError(
        'usage',
        `--mix ${text}: expected weights such as add=45,delete=40 of ${MIX_NAMES.join(', ')}`,
      );
    }
    mix[name] = Number(match[2]);
  }
  if (MIX_NAMES.every((name) => mix[name] === 0)) {
    throw new MdxError('usage', `--mix ${text}: at least one weight must be above 0`);
  }
  return mix;
}
