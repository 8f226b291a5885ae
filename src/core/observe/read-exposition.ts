/** A line of the text format: the value of a series. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The series of a text in the format 0.0.4 of Prometheus. Lines that are none are left out, and so are comments. */
export function readExposition(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const found = LINE.exec(line);
    const value = found === null ? null : numberOf(found[3]!);
    return value === null ? [] : [{ name: found![1]!, labels: labelsOf(found![2] ?? ''), value }];
  });
}

/** The edge that a part (0 to 1) of what was counted does not pass; Infinity above the last edge, null where nothing was. */
export function quantileOf(
  buckets: readonly { readonly edge: number; readonly count: number }[],
  quantile: number,
): number | null {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  for (const { edge, count } of buckets) {
    seen += count;
    if (seen >= total * quantile) return edge;
  }
  return Number.POSITIVE_INFINITY;
}

function labelsOf(text: string): Record<string, string> {
  const labels = Object.create(null) as Record<string, string>;
  for (const [, name, value] of text.matchAll(LABEL)) {
    labels[name!] = value!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function numberOf(text: string): number | null {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) && text !== 'NaN' ? null : value;
}
