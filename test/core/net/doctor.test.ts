import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bufferChecks } from '../../../src/core/net/doctor/buffer-checks.ts';
import type { Check } from '../../../src/core/net/doctor/check.ts';
import { clockCheck, countOf, machineChecks } from '../../../src/core/net/doctor/machine-checks.ts';
import {
  interfaceChecks,
  joinedGroups,
  multicastChecks,
  multicastRoute,
} from '../../../src/core/net/doctor/multicast-checks.ts';
import { rightChecks } from '../../../src/core/net/doctor/right-checks.ts';
import { SystemFiles } from '../../../src/core/net/doctor/system-files.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A /proc and /sys of files written here. */
function system(files: Readonly<Record<string, string>>): SystemFiles {
  const root = mkdtempSync(join(tmpdir(), 'mdx-doctor-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return new SystemFiles(root);
}

const byName = (checks: readonly Check[], name: string): Check =>
  checks.find((check) => check.name === name)!;

describe('doctor', () => {
  it('says nothing about what the system does not tell', () => {
    const files = system({});
    expect([
      ...rightChecks(files),
      ...bufferChecks(files, null),
      ...multicastChecks(files),
      ...interfaceChecks(files),
    ]).toEqual([]);
  });

  it('reads capabilities; CAP_SYS_ADMIN serves as CAP_BPF', () => {
    const limits =
      'Limit  Soft  Hard\nMax locked memory         65536                65536                bytes';
    const checks = rightChecks(
      system({ 'proc/self/status': 'CapEff:\t0000000000202000', 'proc/self/limits': limits }),
    );
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['CAP_NET_RAW', 'ok'],
      ['CAP_NET_ADMIN', 'missing'],
      ['CAP_BPF', 'ok'],
      ['CAP_SYS_NICE', 'missing'],
      ['CAP_IPC_LOCK', 'missing'],
      ['locked memory', 'warn'],
    ]);
    expect(byName(checks, 'locked memory').found).toBe('64 KiB');
  });

  it('finds strict reverse path filters, those set for all interfaces too', () => {
    const settings = {
      'proc/sys/net/ipv4/conf/all/rp_filter': '0',
      'proc/sys/net/ipv4/conf/eth0/rp_filter': '1',
    };
    const strict = byName(multicastChecks(system(settings)), 'rp_filter');
    expect([strict.state, strict.found]).toEqual(['warn', expect.stringMatching(/^strict on eth0: /)]);
    expect(strict.advice).toContain('sysctl -w net.ipv4.conf.eth0.rp_filter=2');
    const all = { 'proc/sys/net/ipv4/conf/all/rp_filter': '1', 'proc/sys/net/ipv4/conf/eth0/rp_filter': '0' };
    expect(byName(multicastChecks(system(all)), 'rp_filter').state).toBe('warn');
    const loose = {
      'proc/sys/net/ipv4/conf/all/rp_filter': '2',
      'proc/sys/net/ipv4/conf/eth0/rp_filter': '1',
    };
    expect(byName(multicastChecks(system(loose)), 'rp_filter').state).toBe('ok');
  });

  it('reads memberships', () => {
    const text = `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
4\teth0      :     2      V3
\t\t\t\t010A0AEF     1 0:00000000\t\t0
\t\t\t\t010000E0     1 0:00000000\t\t0`;
    expect([...joinedGroups(text)]).toEqual([
      ['lo', ['224.0.0.1']],
      ['eth0', ['239.10.10.1', '224.0.0.1']],
    ]);
  });

  it.each([
    ['no route', [], null],
    ['the default route', ['eth0 00000000 010200C0 0003 0 0 0 00000000'], 'eth0'],
    [
      'one of its own',
      ['eth0 00000000 010200C0 0003 0 0 0 00000000', 'eth1 000000E0 00000000 0001 0 0 0 000000F0'],
      'eth1',
    ],
    ['another net only', ['eth0 000200C0 00000000 0001 0 0 0 00FFFFFF'], null],
    ['a part of the groups only', ['eth0 000000E0 00000000 0001 0 0 0 000000FF'], null],
  ])('finds the route of groups: %s', (_, lines, device) => {
    expect(multicastRoute(['Iface Destination …', ...lines].join('\n'))).toBe(device);
  });

  it('reads limits and drops of buffers', () => {
    const checks = bufferChecks(
      system({
        'proc/sys/net/core/rmem_max': '212992',
        'proc/sys/net/core/netdev_max_backlog': '20000',
        'proc/net/softnet_stat': '00018df2 00000000 00000000\n00051a9f 0000000a 00000000',
        'proc/net/snmp': 'Udp: InDatagrams NoPorts RcvbufErrors\nUdp: 5 6 7',
      }),
      null,
    );
    expect(checks.map(({ name, state, found }) => [name, state, found])).toEqual([
      ['net.core.rmem_max', 'warn', '212992 bytes'],
      ['net.core.netdev_max_backlog', 'ok', '20000 packets'],
      ['dropped before a socket', 'warn', '10 packets since the system started'],
      ['dropped at full sockets', 'warn', '7 packets since the system started'],
    ]);
  });

  it('reads interfaces', () => {
    const checks = interfaceChecks(
      system({
        'sys/class/net/eth0/flags': '0x1003',
        'sys/class/net/eth0/mtu': '1500',
        'sys/class/net/eth0/statistics/rx_missed_errors': '3',
        'sys/class/net/eth1/flags': '0x3',
        'sys/class/net/eth1/mtu': '9000',
        'sys/class/net/lo/flags': '0x9',
        'sys/class/net/lo/mtu': '65536',
      }),
    );
    expect(checks.map(({ name, state, found }) => [name, state, found])).toEqual([
      ['eth0', 'warn', 'up, MTU 1500, 3 packets dropped'],
      ['eth1', 'warn', 'up, MTU 9000, no multicast'],
      ['lo', 'ok', 'up, MTU 65536'],
    ]);
  });

  it.each([
    [0, 0x2001, 50, 'ok', /steered, off by 50 us/],
    [0, 0x2001, 5000, 'warn', /off by 5000 us/],
    [5, 0x40, 16_000_000, 'warn', /nobody steers/],
    [0, 0x41, 10, 'warn', /nobody steers/],
  ])('judges the clock: state %i, status %i, error %i us', (state, status, error, expected, found) => {
    const check = clockCheck(state, status, error);
    expect(check.state).toBe(expected);
    expect(check.found).toMatch(found);
  });

  it('counts processors and reads governors', () => {
    expect(['0', '0-3', '0-1,4', '2,5-7,9'].map(countOf)).toEqual([1, 4, 3, 5]);
    const checks = machineChecks(
      system({
        'proc/self/status': 'Cpus_allowed_list:\t0-7',
        'sys/devices/system/cpu/online': '0-7',
        'sys/devices/system/cpu/isolated': '4-7',
        'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave',
        'sys/devices/system/cpu/cpu1/cpufreq/scaling_governor': 'performance',
      }),
      null,
    );
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['processors', 'ok'],
      ['governor', 'warn'],
      ['isolated processors', 'ok'],
      ['Node', 'ok'],
    ]);
  });
});
