import { readFileSync } from 'node:fs';

/** A process as nothing else on this machine is called, also when its number is used again. */
export interface ProcessMark {
  readonly pid: number;
  /** Boot of its machine, empty = not known. */
  readonly bootId: string;
  /** When it began, in ticks since the boot; empty = not known. */
  readonly started: string;
}

/** What a lock needs of the machine, so that tests can stand in for processes that are gone. */
export interface Machine {
  readonly self: ProcessMark;
  /** When the process with a number began; null where there is none, empty where the system does not say. */
  startOf(pid: number): string | null;
}

/** The machine that this runs on, and this process. */
export function thisMachine(boot: string): Machine {
  return { self: { pid: process.pid, bootId: boot, started: startOf(process.pid) ?? '' }, startOf };
}

/** Number of the boot, 32 hexadecimal digits; empty where the system has none. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replace(/[^0-9a-f]/g, '');
  } catch {
    return '';
  }
}

function startOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It may be there and be another user's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  try {
    return startIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return '';
  }
}

/** Field 22 of a process's line; its name, in brackets, may hold anything. A process that only waits to be buried is gone. */
function startIn(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '');
}
