import type { UdpSender } from '../net/sender.ts';
import { damageReports, inputReport, type RunReport } from './report.ts';
import type { WireReplayResult } from './wire-replay.ts';
import type { WireRate } from './wire-schedule.ts';

/** What is reported about each line that datagrams went out on. */
export interface WireLineReport {
  readonly line: 'A' | 'B';
  readonly to: string;
  readonly sender: UdpSender['name'];
  /** Datagrams for this line, and what was done to them before they went out. */
  readonly datagrams: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
  readonly sent: number;
  readonly bytes: number;
  /** Datagrams that the system refused. */
  readonly sendErrors: number;
}

/** What `mdx replay --to … --json` prints; docs/replay-wire.md describes it. */
export interface WireReport extends Pick<RunReport, 'command' | 'version' | 'inputs' | 'damage' | 'stopped'> {
  readonly wire: {
    readonly rate: WireRate;
    readonly passes: number;
    readonly otherLine: number;
    readonly lines: readonly WireLineReport[];
    readonly lateness: {
      readonly p50Ns: string;
      readonly p90Ns: string;
      readonly p99Ns: string;
      readonly p999Ns: string;
      readonly maxNs: string;
      readonly finalNs: string;
      readonly samples: number;
    } | null;
  };
  readonly timing: {
    readonly elapsedNs: string;
    readonly packetsPerSecond: number;
    readonly bitsPerSecond: number;
  };
}

export interface WireReportAbout {
  readonly version: string;
  readonly rate: WireRate;
  /** Per line of the result. */
  readonly targets: readonly {
    readonly to: string;
    readonly sender: Pick<UdpSender, 'name' | 'sent' | 'sendErrors'>;
  }[];
}

/** Puts the result of a replay onto the wire into the words of a report. */
export function wireReport(
  result: WireReplayResult,
  { version, rate, targets }: WireReportAbout,
): WireReport {
  const { lateness, elapsedNs, otherLine, passes } = result;
  const lines = result.lines.map(({ name, ...counts }, index): WireLineReport => {
    const { to, sender } = targets[index]!;
    return {
      line: name,
      to,
      sender: sender.name,
      ...counts,
      sent: sender.sent,
      sendErrors: sender.sendErrors,
    };
  });
  const perSecond = (count: (line: WireLineReport) => number): number =>
    Math.round(lines.reduce((sum, line) => sum + count(line), 0) / (elapsedNs / 1e9));
  return {
    command: 'replay',
    version,
    inputs: result.inputs.map(inputReport),
    wire: {
      rate,
      passes,
      otherLine,
      lines,
      lateness:
        lateness === null
          ? null
          : {
              p50Ns: String(lateness.p50),
              p90Ns: String(lateness.p90),
              p99Ns: String(lateness.p99),
              p999Ns: String(lateness.p999),
              maxNs: String(lateness.max),
              finalNs: String(lateness.final),
              samples: lateness.samples,
            },
    },
    damage: damageReports(result.damage),
    stopped: result.stopped,
    timing: {
      elapsedNs: String(Math.round(elapsedNs)),
      packetsPerSecond: perSecond(({ sent }) => sent),
      bitsPerSecond: perSecond(({ bytes }) => bytes * 8),
    },
  };
}
