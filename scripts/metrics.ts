/*
 * Makes docs/metrics.md from the declarations that /metrics is made from.
 *
 *     node scripts/metrics.ts [--check]
 */
import { EDGES_NS } from '../src/core/observe/stages.ts';
import { METRIC_GROUPS, type MetricGroup } from '../src/core/serve/metrics/metrics.ts';
import { settle } from './generated.ts';

const NS_UNITS: readonly (readonly [unit: string, ns: number])[] = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
];

settle(new Map([['docs/metrics.md', page()]]), null);

function page(): string {
  return `<!-- Made by scripts/metrics.ts; do not edit. -->

# Metrics

\`GET /metrics\` of \`mdx serve\` answers in the text format 0.0.4 of Prometheus. Names of systems that mdx takes the place of are
kept where the meaning is the same; the others begin with \`mdx_\`. Counters only grow while the process lives. Labels are
bounded by the configuration and by the code: there are none for instruments, orders or addresses.

**Latency** counts on the clock of the system, from the receive time of a packet: the kernel's, or where a line has none, the
receiver's. A recording and a network card have clocks of their own. Where any line is of that kind, times count
from the moment a thread took an event up, under \`start="thread"\`: the two are never in one histogram. The stages \`merge\`
and \`decode\` are counted for each batch of events; \`book\`, \`publish\` and \`sent\` for the oldest event of
each stretch of work, so what waited longest is what is seen. Edges: ${EDGES_NS.map(timeText).join(', ')}.

${METRIC_GROUPS.map(section).join('\n')}`;
}

function section({ title, metrics }: MetricGroup): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`,
  );
  return `## ${title}

| name | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function timeText(ns: number): string {
  const [unit, size] = NS_UNITS.find(([, each]) => ns >= each) ?? ['ns', 1];
  return `${ns / size} ${unit}`;
}
