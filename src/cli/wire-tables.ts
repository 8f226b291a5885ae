import type { WireReport } from '../core/pipeline/wire-report.ts';
import type { WireRate } from '../core/pipeline/wire-schedule.ts';
import { grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { pairs, table } from './table.ts';

/** The report of datagrams that were sent, for people. */
export function wireTables({ inputs, wire, damage, stopped, timing }: WireReport, style: Style): string {
  const { rate, passes, otherLine, lines, lateness } = wire;
  const facts: [string, string][] = inputs.map(({ path, datagrams }) => [
    'input',
    `${path} · ${grouped(datagrams ?? 0)} datagrams`,
  ]);
  facts.push(['plan', passes === 1 ? rateText(rate) : `${rateText(rate)} · ${grouped(passes)} times`]);
  if (otherLine > 0) facts.push(['left out', `${grouped(otherLine)} datagrams of neither line`]);
  for (const { path, offset, problem } of damage) {
    facts.push(['damaged', style.bad(`${path} at byte ${grouped(offset)}: ${problem}`)]);
  }
  if (stopped !== null)
    facts.push(['stopped', style.warn(stopped === 'limit' ? 'by --limit' : 'by request')]);
  if (lateness !== null) {
    const { p50Ns, p99Ns, p999Ns, maxNs, finalNs } = lateness;
    const parts = [`p50 ${ms(p50Ns)}`, `p99 ${ms(p99Ns)}`, `p99.9 ${ms(p999Ns)}`, `most ${ms(maxNs)}`];
    facts.push(['lateness', parts.join(' · ')], ['in the end', `${ms(finalNs)} behind the plan`]);
  }
  facts.push([
    'speed',
    `${grouped(timing.packetsPerSecond)} datagrams/s · ${(timing.bitsPerSecond / 1e6).toFixed(1)} Mbit/s`,
  ]);
  const heads = ['datagrams', 'lost', 'doubled', 'late', 'damaged', 'sent', 'refused'];
  const rows = lines.map((line) => [
    line.line,
    line.to,
    line.sender,
    ...[line.datagrams, line.lost, line.duplicated, line.reordered, line.corrupted, line.sent].map(grouped),
    line.sendErrors === 0 ? '0' : style.bad(grouped(line.sendErrors)),
  ]);
  const columns = [{ head: 'line' }, { head: 'to' }, { head: 'by' }];
  return [
    pairs(facts, style),
    table([...columns, ...heads.map((head) => ({ head, align: 'right' as const }))], rows, style),
  ].join('\n');
}

function rateText(rate: WireRate): string {
  switch (rate.kind) {
    case 'recorded':
      return rate.factor === 1 ? 'as captured' : `as captured, ${rate.factor} times as fast`;
    case 'packets':
      return `${grouped(rate.perSecond)} datagrams/s`;
    case 'bits':
      return `${rate.perSecond / 1e6} Mbit/s`;
    case 'top':
      return 'as fast as possible';
  }
}

function ms(ns: string): string {
  return `${(Number(ns) / 1e6).toFixed(3)} ms`;
}
