import { type ErrorCode, MdxError } from '../../errors.ts';
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EBUSY,
  EEXIST,
  EINVAL,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENOENT,
  ENOMEM,
  ENOPROTOOPT,
  ENOSYS,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ERANGE,
  errnoName,
} from './errno.ts';

/** What was being done when a call failed, and what the call is called in a message. */
const STEPS = {
  socket: 'opening a UDP socket',
  bind: 'binding',
  join: 'joining the group',
  option: 'setting a socket option',
  busyPoll: 'asking for busy polling',
  hardwareTime: 'switching on hardware timestamps',
  receive: 'receiving',
  connect: 'connecting',
  sendInterface: 'choosing the interface to send from',
  packetSocket: 'opening AF_PACKET',
  packetOption: 'setting up AF_PACKET',
  packetRing: 'making the ring',
  packetBind: 'binding AF_PACKET',
  fanout: 'joining the fanout group',
  xdpMap: 'making a BPF map',
  xdpProgram: 'loading the XDP program',
  xdpLink: 'attaching the XDP program',
  xdpSocket: 'opening AF_XDP',
  umem: 'registering the packet memory',
  xdpRing: 'making the XDP rings',
  xdpBind: 'binding AF_XDP',
  affinity: 'pinning the thread',
  realtime: 'asking for real-time priority',
  lockMemory: 'locking memory',
} as const;

export type Step = keyof typeof STEPS;

/** Where a row of the table applies, what it means, and the way out. */
interface Reason {
  readonly step: Step;
  /** null = any other number. */
  readonly errno: number | null;
  readonly code: ErrorCode;
  /** What is needed or what is the matter; follows the name of the error. */
  readonly why: string;
  readonly hint?: string;
}

const grant = (capability: string): string =>
  `Grant it with setcap ${capability}+ep on the node binary (which gives it to every script that binary runs), or run in a service or container that has it.`;

const WITHOUT_RING = 'The mmsg backend works without.';

/** What each error means at each step; the first row that fits is the one. */
const REASONS: readonly Reason[] = [
  {
    step: 'bind',
    errno: EADDRINUSE,
    code: 'socket-failed',
    why: 'somebody else has this address and does not share it',
    hint: 'ss -ulnp shows who; both sides must set SO_REUSEADDR, as mdx does.',
  },
  {
    step: 'bind',
    errno: EADDRNOTAVAIL,
    code: 'socket-failed',
    why: 'this machine does not have this address',
    hint: 'A group address is joined, any other must be one of this machine: see ip address.',
  },
  {
    step: 'bind',
    errno: EACCES,
    code: 'right-missing',
    why: 'a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE',
    hint: grant('cap_net_bind_service'),
  },
  {
    step: 'join',
    errno: ENODEV,
    code: 'socket-failed',
    why: 'no interface to join on: none was named and no route leads to the group, or the interface is down',
    hint: 'Name the interface: udp://GROUP:PORT?iface=eth0.',
  },
  {
    step: 'join',
    errno: ENOBUFS,
    code: 'socket-failed',
    why: 'too many memberships of one socket (net.ipv4.igmp_max_memberships) or sources of one group (net.ipv4.igmp_max_msf)',
    hint: 'Raise the limit with sysctl.',
  },
  {
    step: 'join',
    errno: EADDRNOTAVAIL,
    code: 'socket-failed',
    why: 'the group cannot be joined with this source on this interface',
    hint: 'A group that was joined from one source cannot be joined from any source on the same socket.',
  },
  {
    step: 'join',
    errno: EINVAL,
    code: 'socket-failed',
    why: 'the group is no multicast address, or the interface does not fit it',
  },
  {
    step: 'busyPoll',
    errno: EPERM,
    code: 'right-missing',
    why: 'this kernel wants CAP_NET_ADMIN for more than net.core.busy_read',
    hint: grant('cap_net_admin'),
  },
  {
    step: 'busyPoll',
    errno: null,
    code: 'backend-refused',
    why: 'this kernel was built without busy polling',
    hint: 'Leave busy polling out.',
  },
  {
    step: 'hardwareTime',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_NET_ADMIN',
    hint: `${grant('cap_net_admin')} Software timestamps need nothing.`,
  },
  {
    step: 'hardwareTime',
    errno: EOPNOTSUPP,
    code: 'backend-refused',
    why: 'the driver of this interface has no hardware timestamps',
    hint: 'Use software timestamps; ethtool -T shows what a driver can do.',
  },
  {
    step: 'hardwareTime',
    errno: ERANGE,
    code: 'backend-refused',
    why: 'the driver cannot stamp all packets',
    hint: 'Use software timestamps; ethtool -T shows what a driver can do.',
  },
  {
    step: 'receive',
    errno: ENETDOWN,
    code: 'socket-failed',
    why: 'the interface went down',
  },
  {
    step: 'connect',
    errno: ENETUNREACH,
    code: 'socket-failed',
    why: 'no route leads there',
    hint: 'For a group, name the interface: udp://GROUP:PORT?iface=eth0.',
  },
  {
    step: 'sendInterface',
    errno: EADDRNOTAVAIL,
    code: 'socket-failed',
    why: 'the interface has no address to send from, or is down',
    hint: 'See ip address; bring it up with ip link set dev NAME up.',
  },
  {
    step: 'packetSocket',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_NET_RAW',
    hint: `${grant('cap_net_raw')} ${WITHOUT_RING}`,
  },
  {
    step: 'packetSocket',
    errno: EAFNOSUPPORT,
    code: 'backend-refused',
    why: 'this kernel was built without packet sockets (CONFIG_PACKET)',
    hint: WITHOUT_RING,
  },
  {
    step: 'packetRing',
    errno: ENOMEM,
    code: 'backend-refused',
    why: 'the kernel has no contiguous memory for blocks of this size',
    hint: 'Ask for smaller or fewer blocks.',
  },
  {
    step: 'packetRing',
    errno: EINVAL,
    code: 'backend-refused',
    why: 'the sizes do not fit: blocks are multiples of the page size, and of the frame size',
    hint: 'Blocks of 65536 bytes or a multiple fit everywhere.',
  },
  {
    step: 'packetBind',
    errno: ENETDOWN,
    code: 'socket-failed',
    why: 'the interface is down',
    hint: 'Bring it up with ip link set dev NAME up.',
  },
  {
    step: 'packetBind',
    errno: ENODEV,
    code: 'interface-missing',
    why: 'the interface is gone',
  },
  {
    step: 'fanout',
    errno: EINVAL,
    code: 'backend-refused',
    why: 'the fanout group exists with another mode or protocol, or the interface is down',
    hint: 'Choose another fanout number.',
  },
  {
    step: 'xdpMap',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_BPF and CAP_NET_ADMIN in the initial user namespace',
    hint: `${grant('cap_bpf,cap_net_admin,cap_net_raw')} Containers also need a seccomp profile that allows bpf(2). ${WITHOUT_RING}`,
  },
  {
    step: 'xdpMap',
    errno: ENOSYS,
    code: 'backend-refused',
    why: 'this kernel, or the seccomp profile of the container, has no bpf(2)',
    hint: WITHOUT_RING,
  },
  {
    step: 'xdpProgram',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_BPF and CAP_NET_ADMIN in the initial user namespace',
    hint: `${grant('cap_bpf,cap_net_admin,cap_net_raw')} ${WITHOUT_RING}`,
  },
  {
    step: 'xdpProgram',
    errno: null,
    code: 'backend-refused',
    why: 'the kernel does not accept it',
    hint: `Linux 5.9 or later is expected. ${WITHOUT_RING}`,
  },
  {
    step: 'xdpLink',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_NET_ADMIN',
    hint: grant('cap_bpf,cap_net_admin,cap_net_raw'),
  },
  {
    step: 'xdpLink',
    errno: EBUSY,
    code: 'backend-refused',
    why: 'a program is already attached',
    hint: 'ip link shows it; ip link set dev NAME xdp off removes one that nobody holds.',
  },
  {
    step: 'xdpLink',
    errno: EEXIST,
    code: 'backend-refused',
    why: 'a program is attached in the other mode',
    hint: 'ip link shows it; use that mode, or remove it.',
  },
  { step: 'xdpLink', errno: EINVAL, code: 'interface-missing', why: 'no such interface' },
  { step: 'xdpLink', errno: ENODEV, code: 'interface-missing', why: 'no such interface' },
  {
    step: 'xdpLink',
    errno: ERANGE,
    code: 'backend-refused',
    why: 'the MTU is too large for native XDP on this driver',
    hint: 'Use generic mode, or lower the MTU.',
  },
  {
    step: 'xdpLink',
    errno: EOPNOTSUPP,
    code: 'backend-refused',
    why: 'the driver has no native XDP, as that of the loopback interface',
    hint: 'Use generic mode.',
  },
  {
    step: 'xdpSocket',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_NET_RAW',
    hint: `${grant('cap_net_raw')} ${WITHOUT_RING}`,
  },
  {
    step: 'xdpSocket',
    errno: EAFNOSUPPORT,
    code: 'backend-refused',
    why: 'this kernel was built without XDP sockets (CONFIG_XDP_SOCKETS)',
    hint: WITHOUT_RING,
  },
  {
    step: 'umem',
    errno: ENOBUFS,
    code: 'memory-lock',
    why: 'more memory than the limit of locked memory allows',
    hint: 'Raise it with ulimit -l or LimitMEMLOCK=, grant CAP_IPC_LOCK, or ask for fewer chunks.',
  },
  {
    step: 'umem',
    errno: ENOMEM,
    code: 'memory-lock',
    why: 'not enough memory for that many chunks',
    hint: 'Ask for fewer chunks.',
  },
  {
    step: 'xdpBind',
    errno: EBUSY,
    code: 'backend-refused',
    why: 'the queue is in use, or still being released',
    hint: 'One socket receives one queue: choose another, or stop who has it.',
  },
  {
    step: 'xdpBind',
    errno: EINVAL,
    code: 'backend-refused',
    why: 'the interface has no such queue',
    hint: 'ls /sys/class/net/NAME/queues shows the queues, rx-0 is the first.',
  },
  {
    step: 'xdpBind',
    errno: EOPNOTSUPP,
    code: 'backend-refused',
    why: 'the driver has no zero-copy mode',
    hint: 'Leave zero-copy out.',
  },
  {
    step: 'affinity',
    errno: EINVAL,
    code: 'backend-refused',
    why: 'this process may not run on that processor, or there is none',
    hint: 'taskset -p $$ and /sys/devices/system/cpu/online show which there are.',
  },
  {
    step: 'realtime',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_SYS_NICE, or a limit RLIMIT_RTPRIO of that priority',
    hint: `${grant('cap_sys_nice')} Or LimitRTPRIO= in a service, ulimit -r in a shell.`,
  },
  {
    step: 'realtime',
    errno: EINVAL,
    code: 'backend-refused',
    why: 'priorities are 1 to 99',
  },
  {
    step: 'lockMemory',
    errno: EPERM,
    code: 'right-missing',
    why: 'needs CAP_IPC_LOCK',
    hint: `${grant('cap_ipc_lock')} Or raise LimitMEMLOCK=.`,
  },
  {
    step: 'lockMemory',
    errno: ENOMEM,
    code: 'memory-lock',
    why: 'the process is larger than the limit of locked memory',
    hint: 'Raise it with ulimit -l or LimitMEMLOCK=, or grant CAP_IPC_LOCK.',
  },
];

/** Numbers that mean the same at every step, behind the rows above. */
const COMMON: readonly Omit<Reason, 'step'>[] = [
  { errno: EPERM, code: 'right-missing', why: 'not permitted' },
  { errno: EACCES, code: 'right-missing', why: 'not permitted' },
  { errno: ENOMEM, code: 'socket-failed', why: 'the kernel has no memory for it' },
  { errno: ENOBUFS, code: 'socket-failed', why: 'the kernel has no buffers for it' },
  { errno: ENOENT, code: 'backend-refused', why: 'this kernel does not know it' },
  { errno: ENOPROTOOPT, code: 'backend-refused', why: 'this kernel does not know the option' },
  { errno: EPROTONOSUPPORT, code: 'backend-refused', why: 'this kernel does not know the protocol' },
  { errno: EOPNOTSUPP, code: 'backend-refused', why: 'the kernel or the driver does not support it' },
  { errno: ENXIO, code: 'interface-missing', why: 'no such interface' },
  { errno: 24, code: 'socket-failed', why: 'too many open files', hint: 'Raise ulimit -n.' } as const,
];

/**
 * The error that a failed call is: what was tried where, the error by its name, what is needed, and the way out.
 * @param where `packet ring on eth1`; @param errno with either sign; @param detail what else is known.
 */
export function failure(where: string, step: Step, errno: number, detail: string | null = null): MdxError {
  const number = Math.abs(errno);
  const reason: Omit<Reason, 'step'> | undefined =
    REASONS.find((row) => row.step === step && (row.errno === number || row.errno === null)) ??
    COMMON.find((row) => row.errno === number);
  const why = reason === undefined ? '' : `; ${reason.why}`;
  const more = detail === null || detail === '' ? '' : ` (${detail})`;
  return new MdxError(
    reason?.code ?? 'socket-failed',
    `${where}: ${errnoName(number)} ${STEPS[step]}${why}${more}`,
    { hint: reason?.hint },
  );
}
