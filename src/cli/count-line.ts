import { basename } from 'node:path';
import type { PacketReport } from '../core/convert/packet-copy.ts';
import type { UdpSender } from '../core/net/sender.ts';
import type { RunReport } from '../core/pipeline/report.ts';
import type { Progress } from '../core/pipeline/run-options.ts';
import { grouped } from './numbers.ts';

/** How far a run is, in one line: while it goes on, and whenever SIGUSR2 asks. */
export function standingText({ path, bytes, total, messages, unknown, malformed }: Progress): string {
  const name = path === '-' ? 'standard input' : basename(path);
  return joined([
    total === null || total === 0
      ? `reading ${name}`
      : `reading ${name}: ${Math.floor((bytes * 100) / total)} %`,
    `${grouped(messages)} messages`,
    ...some(unknown, 'of unknown type'),
    ...some(malformed, 'malformed'),
  ]);
}

/** How far datagrams were sent, per line. */
export function sentText(senders: readonly Pick<UdpSender, 'sent'>[]): string {
  return `sending: ${joined(senders.map(({ sent }) => `${grouped(sent)} datagrams`))}`;
}

/** What went in, came out, and did not: in one line under rows or records on stdout, which have no report. */
export function countLine(report: RunReport, written: number, unit: string): string {
  const { feed, inputs, anomalies, sequence } = report;
  const channels = sequence?.channels ?? [];
  const total = (field: 'late' | 'duplicates'): number =>
    channels.reduce((sum, channel) => sum + channel[field], 0);
  const lost = channels
    .flatMap(({ gaps }) => gaps)
    .filter(({ state }) => state === 'lost')
    .reduce((sum, { from, to }) => sum + BigInt(to) - BigInt(from) + 1n, 0n);
  return joined([
    `${grouped(feed.messages)} messages in`,
    `${grouped(written)} ${unit} out`,
    ...some(lost, 'lost'),
    ...some(total('late'), 'late'),
    ...some(total('duplicates'), 'duplicates'),
    ...some(feed.unknownMessages, 'of unknown type'),
    ...some(feed.malformed, 'malformed'),
    ...some(anomalies.rejected, 'rejected'),
    ...skippedParts(inputs),
  ]);
}

/** Packets in and out, and what was left out: in one line where packets go to stdout. */
export function copyLine({ inputs, output }: PacketReport): string {
  const packets = inputs.reduce((sum, input) => sum + (input.packets ?? 0), 0);
  return joined([
    `${grouped(packets)} packets in`,
    `${grouped(output.written)} packets out`,
    ...skippedParts(inputs),
  ]);
}

/** What was left out of all inputs, by reason. */
function skippedParts(inputs: RunReport['inputs']): string[] {
  const skipped = new Map<string, number>();
  for (const input of inputs) {
    for (const [reason, count] of Object.entries(input.skipped)) {
      skipped.set(reason, (skipped.get(reason) ?? 0) + count);
    }
  }
  return [...skipped].map(([reason, count]) => `${grouped(count)} skipped (${reason})`);
}

function some(count: number | bigint, what: string): string[] {
  return count > 0 ? [`${grouped(count)} ${what}`] : [];
}

function joined(parts: readonly string[]): string {
  return parts.join(' · ');
}
