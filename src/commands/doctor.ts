import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_PROBLEM } from '../cli/exit-codes.ts';
import type { Style } from '../cli/style.ts';
import { table } from '../cli/table.ts';
import type { Check, CheckState } from '../core/net/doctor/check.ts';

interface DoctorFlags {
  iface: string;
  native: boolean;
  strict: boolean;
}

/** Tells what this machine would let us do. */
export default class Doctor extends BaseCommand {
  static override summary: string = 'say what receiving on this machine has and lacks';
  static override description: string =
    'Tries each way to receive for a moment on an interface, and looks at rights, receive buffers, multicast settings, interfaces, the clock and the processors. Each line is ok, warn (it costs speed or packets) or missing (it does not work), with what to do about it.';
  static override examples: Example[] = [
    { description: 'Everything, tried on the loopback interface', command: 'mdx doctor' },
    { description: 'On the interface that carries the lines', command: 'mdx doctor --iface eth1' },
    {
      description: 'What is missing, one a line',
      command: 'mdx doctor --json | jq -r \'.checks[] | select(.state == "missing") | .name\'',
    },
  ];
  static override flags: {
    [K in keyof DoctorFlags]: DoctorFlags[K] extends boolean
      ? BooleanFlag<boolean>
      : OptionFlag<DoctorFlags[K]>;
  } = {
    iface: Flags.string({
      summary: 'interface to try the backends on',
      helpValue: 'NAME',
      default: 'lo',
    }) as OptionFlag<string>,
    native: Flags.boolean<boolean>({
      summary: 'try native XDP and hardware timestamps too, for which drivers may restart',
      default: false,
    }),
    strict: Flags.boolean<boolean>({ summary: 'exit with 1 if anything is missing', default: false }),
  };

  async run(): Promise<void> {
    const started = process.hrtime.bigint();
    const { flags } = await this.parse(Doctor);
    const { examine } = await import('../core/net/doctor/doctor.ts');
    const checks = await examine({ iface: flags.iface, native: flags.native });
    const counts: Record<CheckState, number> = { ok: 0, warn: 0, missing: 0 };
    for (const { state } of checks) counts[state] += 1;
    const timing = { elapsedNs: process.hrtime.bigint() - started };
    const report = {
      command: 'doctor',
      version: this.config.version,
      iface: flags.iface,
      counts,
      checks,
      timing,
    };
    await this.printReport(report, (style) => render(checks, counts, style));
    if (flags.strict && counts.missing > 0) this.exitWith(EXIT_PROBLEM);
  }
}

function render(
  checks: readonly Check[],
  counts: Readonly<Record<CheckState, number>>,
  style: Style,
): string {
  const mark: Record<CheckState, (text: string) => string> = {
    ok: (text) => style.good(text),
    warn: (text) => style.warn(text),
    missing: (text) => style.bad(text),
  };
  let group: string | null = null;
  const rows = checks.flatMap((check) => {
    const head = check.group === group ? '' : check.group;
    group = check.group;
    const row = [head, mark[check.state](check.state), check.name, check.found];
    return check.advice === null ? [row] : [row, ['', '', '', style.dim(`→ ${check.advice}`)]];
  });
  const body = table([{ head: '' }, { head: 'state' }, { head: 'what' }, { head: 'found' }], rows, style);
  return `${body}\n${counts.ok} ok, ${counts.warn} to look at, ${counts.missing} missing\n`;
}
