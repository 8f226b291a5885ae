import { MdxError } from '../errors.ts';

/** A setting of both lines. */
export interface LineValues<T> {
  readonly A: T;
  readonly B: T;
}

/**
 * Reads a setting that may be given for both lines (`0.01`) or for one (`A=0.01`); the last word counts.
 * @param parse reads one value, throws for what is none.
 */
export function lineValues<T>(
  texts: readonly string[] | undefined,
  fallback: T,
  parse: (text: string) => T,
): LineValues<T> {
  const values = { A: fallback, B: fallback };
  for (const text of texts ?? []) {
    const match = /^([AB])=(.*)$/.exec(text);
    const value = parse(match === null ? text : match[2]);
    if (match === null || match[1] === 'A') values.A = value;
    if (match === null || match[1] === 'B') values.B = value;
  }
  return values;
}

/** A share such as `0.01` or `1%`, as a number 0 … `max`. Throws MdxError `usage`. */
export function parseShare(flag: string, text: string, max: number): number {
  const match = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (share >= 0 && share <= max) return share;
  throw new MdxError('usage', `--${flag} ${text}: expected a share from 0 to ${max}, such as 0.01 or 1%`);
}

/** An integer `min` … `max`. Throws MdxError `usage`. */
export function parseCount(flag: string, text: string, min: number, max: number): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw new MdxError('usage', `--${flag} ${text}: expected an integer from ${min} to ${max}`);
}

/** Weights `add=45,delete=40`; what is not named keeps the one of `base`. Throws MdxError `usage`. */
export function parseWeights<K extends string>(
  flag: string,
  text: string,
  base: Readonly<Record<K, number>>,
): Readonly<Record<K, number>> {
  const weights: Record<K, number> = { ...base };
  for (const part of text.split(',')) {
    const match = /^([a-z]+)=(\d{1,6})$/.exec(part);
    if (match === null || !Object.hasOwn(base, match[1])) {
      throw new MdxError(
        'usage',
        `--${flag} ${text}: expected weights such as add=45,delete=40 of ${Object.keys(base).join(', ')}`,
      );
    }
    weights[match[1] as K] = Number(match[2]);
  }
  if (Object.values<number>(weights).every((weight) => weight === 0)) {
    throw new MdxError('usage', `--${flag} ${text}: at least one weight must be above 0`);
  }
  return weights;
}
