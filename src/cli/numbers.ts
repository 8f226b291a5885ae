import { formatScaledBig, formatTimeIso } from '../core/event/format-text.ts';

const NS_PER_HOUR = 3_600_000_000_000n;
const NS_PER_YEAR: bigint = 365n * 24n * NS_PER_HOUR;

/*
 * Numbers as people read them. Machines get the exact text of core; nothing here is for them.
 */

/** A count with thousands separators: `38,212`. */
export function grouped(count: number | bigint | string): string {
  return BigInt(count).toLocaleString('en');
}

/** How many of something whose plural ends in s: `1 book`, `38,212 orders`. */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Digits behind the point that an exact decimal needs. */
export function decimalsOf(decimal: string): number {
  const point = decimal.indexOf('.');
  return point < 0 ? 0 : decimal.replace(/0+$/, '').length - point - 1;
}

/** An exact decimal without its last zeros, but with at least `decimals` digits behind the point if it has a point. */
export function trimmed(decimal: string, decimals: number): string {
  const point = decimal.indexOf('.');
  if (point < 0) return decimal;
  const digits = Math.max(decimalsOf(decimal), decimals);
  return digits === 0 ? decimal.slice(0, point) : decimal.slice(0, point + 1 + digits);
}

/** Digits behind the point under which all these decimals keep their value: prices of one instrument line up. */
export function sharedDecimals(decimals: Iterable<string | null>): number {
  let most = 2;
  for (const decimal of decimals) if (decimal !== null) most = Math.max(most, decimalsOf(decimal));
  return most;
}

/** A quantity with separators, without zeros behind its point. */
export function quantityText(quantity: string): string {
  const [whole, fraction] = trimmed(quantity, 0).split('.') as [string, string | undefined];
  return fraction === undefined ? grouped(whole) : `${grouped(whole)}.${fraction}`;
}

/** The integer that a decimal of a known scale counts; quantities of books are safe integers, and so are sums shown. */
export function unscaled(decimal: string): number {
  return Number(decimal.replace('.', ''));
}

/** The decimal that an integer means in a scale. */
export function scaled(units: number, scale: number): string {
  return formatScaledBig(BigInt(units), scale);
}

/**
 * A time of ns since 1970 as people read it, `2025-09-24T19:30:00.500000000Z`. One of the first year counts from something
 * else, a midnight of an unknown day or the start of a machine: it has hours and no day, `19:30:00.500000000`.
 */
export function timeText(ns: bigint): string {
  if (ns < 0n || ns >= NS_PER_YEAR) return formatTimeIso(ns);
  const hours = String(ns / NS_PER_HOUR).padStart(2, '0');
  return `${hours}${formatTimeIso(ns % NS_PER_HOUR).slice('1970-01-01T00'.length, -1)}`;
}
