import { MdxError } from '../../errors.ts';
import { Syscalls } from '../linux/syscalls.ts';
import { backendChecks } from './backend-checks.ts';
import { bufferChecks } from './buffer-checks.ts';
import type { Check } from './check.ts';
import { clockChecks, machineChecks } from './machine-checks.ts';
import { interfaceChecks, multicastChecks } from './multicast-checks.ts';
import { rightChecks } from './right-checks.ts';
import { SystemFiles } from './system-files.ts';

export interface DoctorOptions {
  /** Interface that the backends are tried on. */
  readonly iface: string;
  /** Try native XDP and hardware timestamps too, for which drivers may restart. */
  readonly native: boolean;
}

/** Looks at everything that receiving on this machine depends on. Nothing is changed for longer than a moment. */
export async function examine(options: DoctorOptions): Promise<Check[]> {
  const files = new SystemFiles();
  const calls = await loadOrNull();
  return [
    ...(await backendChecks(options.iface, options.native)),
    ...rightChecks(files),
    ...bufferChecks(files, calls),
    ...multicastChecks(files),
    ...interfaceChecks(files),
    ...clockChecks(files, calls),
    ...machineChecks(files, calls),
  ];
}

async function loadOrNull(): Promise<Syscalls | null> {
  try {
    return await Syscalls.load();
  } catch (error) {
    if (error instanceof MdxError) return null;
    throw error;
  }
}
