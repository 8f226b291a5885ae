import type { Check } from './check.ts';
import type { SystemFiles } from './system-files.ts';

const MEMBERSHIPS_DEFAULT = 20;
const SOURCES_DEFAULT = 10;
const IFF_UP = 1;
const IFF_LOOPBACK = 8;
const IFF_MULTICAST = 0x1000;
const MULTICAST_NET = 0xe0;

/** Reverse path filter, limits of memberships, the memberships there are, and the route of groups. */
export function multicastChecks(files: SystemFiles): Check[] {
  return [...filterChecks(files), ...limitChecks(files), ...membershipChecks(files), ...routeChecks(files)];
}

/** The interfaces, whether they are up and carry multicast, and what they dropped. */
export function interfaceChecks(files: SystemFiles): Check[] {
  return files.names('sys/class/net').flatMap((name): Check[] => {
    const flags = Number(files.text(`sys/class/net/${name}/flags`));
    if (!Number.isFinite(flags)) return [];
    const statistic = (which: string): number =>
      files.number(`sys/class/net/${name}/statistics/${which}`) ?? 0;
    const dropped = statistic('rx_dropped') + statistic('rx_missed_errors') + statistic('rx_fifo_errors');
    const mtu = files.number(`sys/class/net/${name}/mtu`);
    const isUp = (flags & IFF_UP) !== 0;
    const isDeaf = isUp && (flags & (IFF_MULTICAST | IFF_LOOPBACK)) === 0;
    const words = [isUp ? 'up' : 'down', `MTU ${mtu}`];
    if (isDeaf) words.push('no multicast');
    if (dropped > 0) words.push(`${dropped} packets dropped`);
    let advice: string | null = null;
    if (isDeaf) advice = `ip link set dev ${name} multicast on`;
    else if (dropped > 0)
      advice = `ethtool -G ${name} rx 4096 makes its ring larger; ethtool -S ${name} says more.`;
    return [
      { group: 'interfaces', name, state: advice === null ? 'ok' : 'warn', found: words.join(', '), advice },
    ];
  });
}

/** The larger of the setting for all interfaces and that of the interface is in force. */
function filterChecks(files: SystemFiles): Check[] {
  const all = files.setting('net.ipv4.conf.all.rp_filter');
  if (all === null) return [];
  const strict = files
    .names('proc/sys/net/ipv4/conf')
    .filter((name) => name !== 'all' && name !== 'default' && name !== 'lo')
    .filter((name) => Math.max(all, files.setting(`net.ipv4.conf.${name}.rp_filter`) ?? 0) === 1);
  if (strict.length === 0) {
    return [
      { group: 'multicast', name: 'rp_filter', state: 'ok', found: 'strict on no interface', advice: null },
    ];
  }
  return [
    {
      group: 'multicast',
      name: 'rp_filter',
      state: 'warn',
      found: `strict on ${strict.join(', ')}: packets whose source is not routed back there are dropped in silence`,
      advice: `sysctl -w ${strict.map((name) => `net.ipv4.conf.${name}.rp_filter=2`).join(' ')} (the setting of "all" must not be 1)`,
    },
  ];
}

function limitChecks(files: SystemFiles): Check[] {
  const limits: readonly (readonly [string, number, string])[] = [
    [
      'net.ipv4.igmp_max_memberships',
      MEMBERSHIPS_DEFAULT,
      'groups of one socket; mdx opens a socket per group',
    ],
    ['net.ipv4.igmp_max_msf', SOURCES_DEFAULT, 'sources of one group'],
  ];
  return limits.flatMap(([name, least, meaning]): Check[] => {
    const value = files.setting(name);
    if (value === null) return [];
    const isLow = value < least;
    return [
      {
        group: 'multicast',
        name,
        state: isLow ? 'warn' : 'ok',
        found: `${value} ${meaning}`,
        advice: isLow ? `sysctl -w ${name}=${least}` : null,
      },
    ];
  });
}

/** Groups that somebody on this host has joined, by interface. */
function membershipChecks(files: SystemFiles): Check[] {
  const text = files.text('proc/net/igmp');
  if (text === null) return [];
  const groups = joinedGroups(text);
  const found = [...groups].map(([device, joined]) => `${device}: ${joined.join(' ')}`).join('; ');
  return [
    {
      group: 'multicast',
      name: 'memberships',
      state: 'ok',
      found: found === '' ? 'none' : found,
      advice: null,
    },
  ];
}

/**
 * Reads /proc/net/igmp: `4 eth0 : 1 V3`, then its groups behind tabs, as hexadecimal words of the host's byte order
 * (little endian): `010000E0` is 224.0.0.1.
 */
export function joinedGroups(text: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n').slice(1)) {
    const device = /^\d+\s+(\S+)\s*:/.exec(line)?.[1];
    const group = /^\s+([0-9A-F]{8})\s/.exec(line)?.[1];
    if (device !== undefined) {
      current = [];
      groups.set(device, current);
    } else if (group !== undefined) current.push(dotted(group));
  }
  return groups;
}

/** Where a group is joined that names no interface: the most exact route to 224.0.0.0. */
function routeChecks(files: SystemFiles): Check[] {
  const text = files.text('proc/net/route');
  if (text === null) return [];
  const device = multicastRoute(text);
  return [
    {
      group: 'multicast',
      name: 'route of groups',
      state: device === null ? 'warn' : 'ok',
      found:
        device === null
          ? 'none: a group that names no interface cannot be joined'
          : `by ${device}, where no interface is named`,
      advice: device === null ? 'Name the interface: udp://GROUP:PORT?iface=NAME.' : null,
    },
  ];
}

/** Reads /proc/net/route: device, destination, …, mask in column 7, hexadecimal, little endian. @returns the device or null. */
export function multicastRoute(text: string): string | null {
  let best: string | null = null;
  let length = -1;
  for (const line of text.split('\n').slice(1)) {
    const [device, destination = '', , , , , , mask = ''] = line.trim().split(/\s+/);
    const first = Number.parseInt(mask.slice(6), 16);
    const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
    const fits = (MULTICAST_NET & first) === Number.parseInt(destination.slice(6), 16);
    // A mask longer than the group net's would leave groups out.
    if (device === undefined || !fits || bits > 4 || bits <= length) continue;
    best = device;
    length = bits;
  }
  return best;
}

function dotted(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
}
