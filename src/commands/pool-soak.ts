import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_PROBLEM } from '../cli/exit-codes.ts';
import type { Style } from '../cli/style.ts';
import { pairs } from '../cli/table.ts';
import type { SoakMemory, SoakResult } from '../core/bench/pool-soak.ts';
import { MdxError } from '../core/errors.ts';

/** Packets of one run: their number has to fit 31 bits. */
const PACKETS_MAX = 2_000_000_000;
/** Data of the pool, bytes. */
const POOL_BYTES_MAX = 2 ** 31;

/** Proves the packet pool on this machine. */
export default class PoolSoak extends BaseCommand {
  static override summary: string = 'hand packet buffers between threads and prove that none is lost';
  static override description: string =
    'Threads take buffers of the packet pool in shared memory, write every word of them, hand them to another thread and get them back. That one checks every word. Ends with exit code 1 where a buffer was missing when it was needed, was lost, was given out twice, or held anything but what was written into it.';
  static override examples: Example[] = [
    { description: 'The usual proof: 640,000 packets', command: 'mdx pool-soak' },
    {
      description: 'A small pool, four threads that fill it, a hundred million packets',
      command: 'mdx pool-soak --buffers 1024 --size 256 --workers 4 --iterations 1600000',
    },
    { description: 'Speed alone', command: 'mdx pool-soak --json | jq .opsPerSecond' },
  ];
  static override flags: {
    buffers: OptionFlag<number>;
    size: OptionFlag<number>;
    iterations: OptionFlag<number>;
    burst: OptionFlag<number>;
    workers: OptionFlag<number>;
  } = {
    buffers: count('buffers of the pool', 65_536, 4_194_304),
    size: Flags.integer({
      summary: 'bytes of a buffer, a multiple of 64',
      helpValue: 'BYTES',
      default: 2048,
      min: 64,
      max: 65_536,
    }),
    iterations: count('bursts to hand over, all workers together', 10_000, 100_000_000),
    burst: count('packets handed over at once', 64, 65_536),
    workers: count('threads that fill buffers; each has its share of the pool', 2, 64),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(PoolSoak);
    const { buffers, size, iterations, burst, workers } = flags;
    if (size % 64 !== 0) throw new MdxError('usage', `--size ${size}: expected a multiple of 64`);
    if (iterations * burst > PACKETS_MAX || buffers * size > POOL_BYTES_MAX) {
      throw new MdxError('usage', 'at most 2,000,000,000 packets and 2 GB of buffers fit into one run');
    }
    const { soakPool } = await import('../core/bench/pool-soak.ts');
    const progress = await this.startProgress('starting');
    const { elapsedNs, opsPerSecond, ops, ...result } = await soakPool({
      buffers,
      size,
      iterations,
      burst,
      workers,
      signal: this.interruption.aborted,
      progress: (packets) => progress.update(() => `soaking: ${packets.toLocaleString('en')} packets`),
    }).finally(() => progress.stop());
    const { verdict, ...counts } = result;
    const { version } = this.config;
    const report = {
      command: 'pool-soak',
      version,
      verdict,
      ...counts,
      ops,
      opsPerSecond,
      timing: { elapsedNs: String(elapsedNs) },
    };
    await this.printReport(report, (style) => render({ elapsedNs, opsPerSecond, ops, ...result }, style));
    if (verdict === 'fail') this.exitWith(EXIT_PROBLEM);
  }
}

function count(summary: string, fallback: number, max: number): OptionFlag<number> {
  return Flags.integer({ summary, helpValue: 'COUNT', default: fallback, min: 1, max });
}

function render(result: SoakResult, style: Style): string {
  const { verdict, buffers, size, iterations, burst, workers, ops, opsPerSecond, memory } = result;
  const { misses, returnDrops, leaked, duplicated, torn, outOfOrder, missing } = result;
  const fault = (count: number): string => (count === 0 ? '0' : style.bad(String(count)));
  return pairs(
    [
      ['verdict', verdict === 'pass' ? style.good('pass') : style.bad('fail')],
      ['pool', `${buffers} buffers of ${size} bytes · ${mb(result.preallocatedBytes)} made at the start`],
      ['packets', `${ops} of ${iterations} × ${burst} · ${workers} threads fill, one checks`],
      ['speed', `${(opsPerSecond / 1e6).toFixed(2)} M packets/s`],
      ['misses', fault(misses)],
      ['return drops', fault(returnDrops)],
      ['leaked', fault(leaked)],
      ['duplicated', fault(duplicated)],
      ['torn', fault(torn)],
      ['out of order', fault(outOfOrder)],
      ['missing', fault(missing)],
      ['memory', `${memoryText(memory.start)} at the start`],
      ['', `${memoryText(memory.middle)} in the middle`],
      ['', `${memoryText(memory.end)} at the end`],
    ],
    style,
  );
}

function memoryText({ residentBytes, heapBytes }: SoakMemory): string {
  return `${mb(residentBytes)} resident · ${mb(heapBytes)} objects`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
