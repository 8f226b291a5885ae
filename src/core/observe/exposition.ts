import type { HistogramSample, Metric } from './metric.ts';

/** What Prometheus takes the text of `exposition` for. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics in the text format 0.0.4 of Prometheus. A metric that has no value now is described all the same. */
export function exposition<Sources>(metrics: readonly Metric<Sources>[], sources: Sources): string {
  return metrics.map((metric) => `${linesOf(metric, sources).join('\n')}\n`).join('\n');
}

function linesOf<Sources>(metric: Metric<Sources>, sources: Sources): string[] {
  const { name, help, type, labels } = metric;
  const head = [`# HELP ${name} ${helpText(help)}`, `# TYPE ${name} ${type}`];
  if (metric.type === 'histogram') {
    const { edges } = metric;
    return [...head, ...metric.read(sources).flatMap((sample) => bucketLines(name, labels, edges, sample))];
  }
  const values = metric
    .read(sources)
    .map(({ labels: said, value }) => `${name}${labelText(labels, said)} ${numberText(value)}`);
  return [...head, ...values];
}

function bucketLines(
  name: string,
  labels: readonly string[],
  edges: readonly number[],
  { labels: said, counts, sum }: HistogramSample,
): string[] {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    const edge = index < edges.length ? numberText(edges[index]!) : '+Inf';
    return `${name}_bucket${labelText([...labels, 'le'], [...said, edge])} ${total}`;
  });
  const text = labelText(labels, said);
  return [...buckets, `${name}_sum${text} ${numberText(sum)}`, `${name}_count${text} ${total}`];
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, index) => `${name}="${valueText(values[index] ?? '')}"`).join(',')}}`;
}

function valueText(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function helpText(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
