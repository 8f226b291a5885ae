import type { Syscalls } from '../linux/syscalls.ts';
import type { Check } from './check.ts';
import type { SystemFiles } from './system-files.ts';

/** adjtimex: answer and status bit of a clock that nobody steers. */
const TIME_ERROR = 5;
const STA_UNSYNC = 0x40;
const STATUS_AT = 40;
const MAX_ERROR_AT = 24;
const MAX_ERROR_US_WANTED = 1000;
const SCHED_FIFO = 1;
const SCHED_OTHER = 0;

/** Whether the system clock is steered, and how well. */
export function clockChecks(files: SystemFiles, calls: Syscalls | null): Check[] {
  const checks: Check[] = [];
  const state = calls?.clockState() ?? -1;
  if (calls !== null && state >= 0) {
    const { answer } = calls;
    checks.push(clockCheck(state, answer.getInt32(STATUS_AT, true), answer.getUint32(MAX_ERROR_AT, true)));
  }
  const source = files.text('sys/devices/system/clocksource/clocksource0/current_clocksource');
  if (source !== null) {
    const isSlow = source === 'hpet' || source === 'acpi_pm' || source === 'jiffies';
    checks.push({
      group: 'clock',
      name: 'clock source',
      state: isSlow ? 'warn' : 'ok',
      found: source,
      advice: isSlow ? 'Reading this clock is slow; see available_clocksource beside it.' : null,
    });
  }
  const cards = files.names('sys/class/ptp');
  const found = cards.length === 0 ? 'none' : cards.join(', ');
  checks.push({ group: 'clock', name: 'clocks of network cards', state: 'ok', found, advice: null });
  return checks;
}

/** @param maxErrorUs how far the clock may be off, as its steerer believes. */
export function clockCheck(state: number, status: number, maxErrorUs: number): Check {
  const head = { group: 'clock', name: 'synchronisation' } as const;
  if (state === TIME_ERROR || (status & STA_UNSYNC) !== 0) {
    return {
      ...head,
      state: 'warn',
      found: 'nobody steers the system clock',
      advice: 'Run chrony, or ptp4l and phc2sys: receive times of two hosts cannot be compared without.',
    };
  }
  const isLoose = maxErrorUs > MAX_ERROR_US_WANTED;
  return {
    ...head,
    state: isLoose ? 'warn' : 'ok',
    found: `steered, off by ${maxErrorUs} us at most`,
    advice: isLoose ? 'PTP with hardware timestamps brings it below a microsecond.' : null,
  };
}

/** Processors, their clocking and isolation, real-time priority, and Node. */
export function machineChecks(files: SystemFiles, calls: Syscalls | null): Check[] {
  const checks = [processorCheck(files)];
  const governor = governorCheck(files);
  if (governor !== null) checks.push(governor);
  const isolated = files.text('sys/devices/system/cpu/isolated');
  if (isolated !== null) {
    checks.push({
      group: 'machine',
      name: 'isolated processors',
      state: isolated === '' ? 'warn' : 'ok',
      found: isolated === '' ? 'none: other work may run where a receiver is pinned' : isolated,
      advice: isolated === '' ? 'isolcpus=… at boot, or a cpuset of its own for mdx.' : null,
    });
  }
  if (calls !== null) checks.push(realtimeCheck(calls));
  checks.push({ group: 'machine', name: 'Node', state: 'ok', found: process.version, advice: null });
  return checks;
}

function processorCheck(files: SystemFiles): Check {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(files.text('proc/self/status') ?? '')?.[1];
  const online = files.text('sys/devices/system/cpu/online');
  const count = allowed === undefined ? 0 : countOf(allowed);
  const few = count > 0 && count < 4;
  return {
    group: 'machine',
    name: 'processors',
    state: few ? 'warn' : 'ok',
    found: `online ${online ?? 'not known'}, for this process ${allowed ?? 'not known'}`,
    advice: few ? 'Two lines, the merge and the writing want one each.' : null,
  };
}

function governorCheck(files: SystemFiles): Check | null {
  const governors = new Set(
    files
      .names('sys/devices/system/cpu')
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => files.text(`sys/devices/system/cpu/${name}/cpufreq/scaling_governor`))
      .filter((text) => text !== null),
  );
  if (governors.size === 0) return null;
  const isFast = governors.size === 1 && governors.has('performance');
  return {
    group: 'machine',
    name: 'governor',
    state: isFast ? 'ok' : 'warn',
    found: [...governors].join(', '),
    advice: isFast ? null : 'cpupower frequency-set -g performance: processors that slow down wake up late.',
  };
}

/** Takes real-time priority for a moment. */
function realtimeCheck(calls: Syscalls): Check {
  const may = calls.setScheduler(SCHED_FIFO, 1) >= 0;
  if (may) calls.setScheduler(SCHED_OTHER, 0);
  return {
    group: 'machine',
    name: 'real-time priority',
    state: may ? 'ok' : 'missing',
    found: may ? 'granted' : 'refused',
    advice: may ? null : 'CAP_SYS_NICE, or LimitRTPRIO= in a service.',
  };
}

/** Processors in a list such as `0-3,8`. */
export function countOf(list: string): number {
  return list.split(',').reduce((sum, part) => {
    const [first = '', last = first] = part.split('-');
    return sum + Number(last) - Number(first) + 1;
  }, 0);
}
