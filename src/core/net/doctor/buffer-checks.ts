import {
  AF_INET,
  SO_BUSY_POLL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../linux/constants.ts';
import { errnoName } from '../linux/errno.ts';
import type { Syscalls } from '../linux/syscalls.ts';
import type { Check } from './check.ts';
import type { SystemFiles } from './system-files.ts';

/** A quarter second of a busy feed. */
const WANTED_BYTES = 32 * 2 ** 20;
const BACKLOG_WANTED = 10_000;

/** Receive buffers: the limits, and what a socket is granted that asks for much. */
export function bufferChecks(files: SystemFiles, calls: Syscalls | null): Check[] {
  const checks: Check[] = [];
  const limit = files.setting('net.core.rmem_max');
  if (limit !== null) {
    const low = limit < WANTED_BYTES;
    checks.push({
      group: 'buffers',
      name: 'net.core.rmem_max',
      state: low ? 'warn' : 'ok',
      found: `${limit} bytes`,
      advice: low ? `sysctl -w net.core.rmem_max=${WANTED_BYTES}` : null,
    });
  }
  if (calls !== null) checks.push(...socketChecks(calls));
  const backlog = files.setting('net.core.netdev_max_backlog');
  if (backlog !== null) {
    const low = backlog < BACKLOG_WANTED;
    checks.push({
      group: 'buffers',
      name: 'net.core.netdev_max_backlog',
      state: low ? 'warn' : 'ok',
      found: `${backlog} packets`,
      advice: low ? `sysctl -w net.core.netdev_max_backlog=${BACKLOG_WANTED}` : null,
    });
  }
  const dropped = backlogDrops(files);
  if (dropped !== null)
    checks.push(
      countCheck(
        'dropped before a socket',
        dropped,
        'Raise net.core.netdev_max_backlog, or spread the interrupts.',
      ),
    );
  const full = udpDrops(files);
  if (full !== null)
    checks.push(
      countCheck(
        'dropped at full sockets',
        full,
        'Some receiver was too slow: larger buffers, or a processor of its own.',
      ),
    );
  return checks;
}

function socketChecks(calls: Syscalls): Check[] {
  const fd = calls.socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return [];
  try {
    const forced = calls.setNumber(fd, SOL_SOCKET, SO_RCVBUFFORCE, WANTED_BYTES);
    if (forced < 0) calls.setNumber(fd, SOL_SOCKET, SO_RCVBUF, WANTED_BYTES);
    calls.getOption(fd, SOL_SOCKET, SO_RCVBUF, 4);
    // The kernel doubles what it grants.
    const granted = calls.answer.getInt32(0, true) / 2;
    const poll = calls.setNumber(fd, SOL_SOCKET, SO_BUSY_POLL, 50);
    const isGranted = granted >= WANTED_BYTES;
    return [
      {
        group: 'buffers',
        name: 'receive buffer',
        state: isGranted ? 'ok' : 'warn',
        found: `asked for ${WANTED_BYTES}, granted ${granted}${forced < 0 ? '' : ', beyond the limit where need be'}`,
        advice: isGranted ? null : 'Raise net.core.rmem_max, or grant CAP_NET_ADMIN.',
      },
      {
        group: 'buffers',
        name: 'busy polling',
        state: poll < 0 ? 'warn' : 'ok',
        found: poll < 0 ? `refused: ${errnoName(poll)}` : 'granted',
        advice: poll < 0 ? 'Needs CAP_NET_ADMIN, or a kernel with CONFIG_NET_RX_BUSY_POLL.' : null,
      },
    ];
  } finally {
    calls.close(fd);
  }
}

function countCheck(name: string, count: number, advice: string): Check {
  const found = `${count} packets since the system started`;
  return {
    group: 'buffers',
    name,
    state: count > 0 ? 'warn' : 'ok',
    found,
    advice: count > 0 ? advice : null,
  };
}

/** Second column of softnet_stat, hexadecimal, a line per processor. */
function backlogDrops(files: SystemFiles): number | null {
  const text = files.text('proc/net/softnet_stat');
  if (text === null) return null;
  return text.split('\n').reduce((sum, line) => sum + Number.parseInt(line.split(/\s+/)[1] ?? '0', 16), 0);
}

/** RcvbufErrors of /proc/net/snmp: a line of names, then one of numbers. */
function udpDrops(files: SystemFiles): number | null {
  const lines =
    files
      .text('proc/net/snmp')
      ?.split('\n')
      .filter((line) => line.startsWith('Udp: ')) ?? [];
  const at = lines[0]?.split(' ').indexOf('RcvbufErrors') ?? -1;
  const value = at < 0 ? undefined : lines[1]?.split(' ')[at];
  return value === undefined ? null : Number(value);
}
