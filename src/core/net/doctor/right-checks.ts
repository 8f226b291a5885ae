import type { Check } from './check.ts';
import type { SystemFiles } from './system-files.ts';

/** Capabilities by their bit, with what they are for here. */
const CAPABILITIES: readonly (readonly [name: string, bit: number, use: string])[] = [
  ['CAP_NET_RAW', 13, 'the ring and xdp backends'],
  ['CAP_NET_ADMIN', 12, 'receive buffers beyond the limit, hardware timestamps, xdp'],
  ['CAP_BPF', 39, 'xdp'],
  ['CAP_SYS_NICE', 23, 'real-time priority'],
  ['CAP_IPC_LOCK', 14, 'more locked memory than the limit'],
];
const CAP_SYS_ADMIN = 21;
const MEMORY_LOCK_WANTED = 64 * 2 ** 20;

/** Capabilities of this process and its limit of locked memory. */
export function rightChecks(files: SystemFiles): Check[] {
  const status = files.text('proc/self/status');
  const set = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1];
  if (set === undefined) return [];
  const mask = BigInt(`0x${set}`);
  const has = (bit: number): boolean => ((mask >> BigInt(bit)) & 1n) === 1n;
  const checks: Check[] = CAPABILITIES.map(([name, bit, use]) => {
    const isThere = has(bit) || (name === 'CAP_BPF' && has(CAP_SYS_ADMIN));
    return {
      group: 'rights',
      name,
      state: isThere ? 'ok' : 'missing',
      found: `${isThere ? 'there' : 'not there'}; for ${use}`,
      advice: isThere
        ? null
        : `setcap ${name.toLowerCase()}+ep on the node binary, or AmbientCapabilities=${name} in a service.`,
    };
  });
  const locked = lockedMemory(files);
  if (locked !== null) checks.push(memoryLockCheck(locked, has(14)));
  return checks;
}

function memoryLockCheck(bytes: number, isFree: boolean): Check {
  const enough = isFree || bytes >= MEMORY_LOCK_WANTED;
  const found = bytes === Number.POSITIVE_INFINITY ? 'no limit' : `${bytes / 1024} KiB`;
  return {
    group: 'rights',
    name: 'locked memory',
    state: enough ? 'ok' : 'warn',
    found: isFree && bytes < MEMORY_LOCK_WANTED ? `${found}, which CAP_IPC_LOCK passes over` : found,
    advice: enough
      ? null
      : 'ulimit -l, or LimitMEMLOCK= in a service: packet memory of xdp counts against it.',
  };
}

/** The soft limit in bytes; null where it cannot be read. */
function lockedMemory(files: SystemFiles): number | null {
  const limit = /^Max locked memory\s+(\S+)/m.exec(files.text('proc/self/limits') ?? '')?.[1];
  if (limit === undefined) return null;
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
