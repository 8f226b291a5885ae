import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_PROBLEM } from '../cli/exit-codes.ts';
import { durationFlag } from '../cli/flags.ts';
import { receiveFlags } from '../cli/rx-flags.ts';
import type { Style } from '../cli/style.ts';
import { pairs, table } from '../cli/table.ts';
import type { ProbeResult } from '../core/bench/probe-report.ts';
import type { BackendName } from '../core/net/backend.ts';

const TIMEOUT_NS = 10_000_000_000;
const RECEIVE_BUFFER_BYTES = 8 << 20;

/** Proves receiving on this machine. */
export default class RxProbe extends BaseCommand {
  static override summary: string = 'send packets to itself and prove that receiving loses none';
  static override description: string =
    'Sends numbered packets over the loopback interface and receives them as mdx rx does. Reports what came, what is missing and where it was lost, and the time from sending to receiving, both by the same clock. Ends with exit code 1 where a check fails: packets missing, out of order or dropped by the kernel, buffers that did not come back, no times.';
  static override examples: Example[] = [
    { description: 'The backend that mdx rx would take', command: 'mdx rx-probe' },
    {
      description: 'A packet ring, by multicast (needs CAP_NET_RAW)',
      command: 'mdx rx-probe --backend ring --multicast',
    },
    {
      description: 'As fast as it can be sent: does the receive buffer hold it?',
      command: 'mdx rx-probe --rate 0 --packets 1000000 --rcvbuf 64MiB',
    },
  ];
  static override flags: {
    backend: OptionFlag<string>;
    multicast: BooleanFlag<boolean>;
    packets: OptionFlag<number>;
    payload: OptionFlag<number>;
    batch: OptionFlag<number>;
    rate: OptionFlag<number>;
    timeout: OptionFlag<number>;
    rcvbuf: OptionFlag<number | undefined>;
  } = {
    backend: receiveFlags.backend,
    multicast: Flags.boolean({ summary: 'send to a group instead of 127.0.0.1', default: false }),
    packets: count('packets to send', 100_000, 1, 100_000_000),
    payload: count('bytes of a packet', 64, 16, 65_507),
    batch: count('packets sent by one call', 32, 1, 1024),
    rate: count('packets a second; 0 = as fast as possible', 20_000, 0, 100_000_000),
    timeout: durationFlag('timeout', 'end after so long whatever is missing', TIMEOUT_NS, '10s'),
    rcvbuf: receiveFlags.rcvbuf,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RxProbe);
    const { probeReceiving } = await import('../core/bench/rx-probe.ts');
    const progress = await this.startProgress('starting');
    const { elapsedNs, ...result } = await probeReceiving({
      backend: flags.backend as BackendName | 'auto',
      multicast: flags.multicast,
      packets: flags.packets,
      payloadBytes: flags.payload,
      batch: flags.batch,
      rate: flags.rate,
      timeoutMs: flags.timeout / 1e6,
      receiveBufferBytes: flags.rcvbuf ?? RECEIVE_BUFFER_BYTES,
      signal: this.interruption.aborted,
      progress: (packets) => progress.update(() => `${packets.toLocaleString('en')} packets`),
    }).finally(() => progress.stop());
    const { version } = this.config;
    const report = {
      command: 'rx-probe',
      version,
      ...result,
      timing: { elapsedNs: String(elapsedNs) },
    };
    await this.printReport(report, (style) => render({ elapsedNs, ...result }, style));
    if (result.verdict === 'fail') this.exitWith(EXIT_PROBLEM);
  }
}

function count(summary: string, fallback: number, min: number, max: number): OptionFlag<number> {
  return Flags.integer({ summary, helpValue: 'COUNT', default: fallback, min, max });
}

function render(result: ProbeResult, style: Style): string {
  const { verdict, backend, destination, sent, received, pps, latency, clock, receiveBuffer } = result;
  const { asked, granted } = receiveBuffer;
  const facts = pairs(
    [
      ['verdict', verdict === 'pass' ? style.good('pass') : style.bad('fail')],
      ['backend', `${backend} at ${destination}`],
      ['packets', `${received} of ${sent} · ${pps} a second`],
      [
        'latency',
        latency.samples === 0
          ? 'nothing came'
          : `p50 ${us(latency.p50Ns)} · p90 ${us(latency.p90Ns)} · p99 ${us(latency.p99Ns)} · p99.9 ${us(latency.p999Ns)} · at most ${us(latency.maxNs)} µs`,
      ],
      ['clock', clock],
      ['receive buffer', granted === null ? 'none' : `${granted} bytes of ${asked} asked for`],
    ],
    style,
  );
  const rows = result.checks.map(({ name, pass, detail }) => [
    style.bold(name),
    pass ? style.good('pass') : style.bad('fail'),
    detail,
  ]);
  return `${facts}\n${table([{ head: 'check' }, { head: '' }, { head: 'what was found' }], rows, style)}`;
}

function us(ns: number | null): string {
  return ((ns ?? 0) / 1000).toFixed(1);
}
