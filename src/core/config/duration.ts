/** Units of a duration in ns. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

/** A hundred years; ns are exact up to 104 days, and beyond in the larger units. */
const LONGEST = 36_525 * UNITS['d']!;

/** Whole ns of `5ms`, `250us`, `1.5s`, `7d` or `0`; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  const match = /^(\d{1,15}(?:\.\d{1,9})?)(ns|us|µs|ms|s|min|m|h|d)$/.exec(text);
  const ns = match === null ? Number.NaN : Math.round(Number(match[1]) * UNITS[match[2]!]!);
  return ns <= LONGEST ? ns : null;
}

/** Text that `parseDuration` reads as so many ns, in the largest unit that needs no fraction. */
export function formatDuration(ns: number): string {
  if (ns === 0) return '0';
  const unit = ['d', 'h', 'min', 's', 'ms', 'us'].find((each) => ns % UNITS[each]! === 0) ?? 'ns';
  return `${ns / UNITS[unit]!}${unit}`;
}
