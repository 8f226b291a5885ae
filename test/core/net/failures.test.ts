import { describe, expect, it } from 'vitest';
import { errnoName } from '../../../src/core/net/linux/errno.ts';
import { failure, type Step } from '../../../src/core/net/linux/failures.ts';

/** What each error must say and be, whatever the words around it. */
const ROWS: readonly (readonly [Step, number, code: string, says: RegExp, way: RegExp | null])[] = [
  // AF_XDP
  ['xdpMap', 1, 'right-missing', /EPERM making a BPF map; needs CAP_BPF and CAP_NET_ADMIN/, /seccomp/],
  [
    'xdpSocket',
    1,
    'right-missing',
    /EPERM opening AF_XDP; needs CAP_NET_RAW/,
    /setcap cap_net_raw\+ep.*mmsg/,
  ],
  ['xdpLink', 16, 'backend-refused', /EBUSY.*already attached/, /ip link/],
  ['xdpBind', 16, 'backend-refused', /EBUSY.*in use, or still being released/, /another/],
  ['xdpLink', 17, 'backend-refused', /EEXIST.*in the other mode/, /that mode/],
  ['xdpBind', 22, 'backend-refused', /EINVAL.*no such queue/, /queues/],
  ['xdpLink', 22, 'interface-missing', /EINVAL.*no such interface/, null],
  ['xdpLink', 34, 'backend-refused', /ERANGE.*MTU is too large/, /generic mode/],
  ['xdpLink', 95, 'backend-refused', /EOPNOTSUPP.*no native XDP/, /generic mode/],
  ['xdpBind', 95, 'backend-refused', /EOPNOTSUPP.*no zero-copy/, /Leave zero-copy out/],
  ['umem', 105, 'memory-lock', /ENOBUFS.*limit of locked memory/, /ulimit -l.*CAP_IPC_LOCK/],
  ['xdpProgram', 1, 'right-missing', /CAP_BPF and CAP_NET_ADMIN/, /setcap/],
  ['xdpProgram', 13, 'backend-refused', /EACCES.*does not accept/, /Linux/],
  // packet ring
  [
    'packetSocket',
    1,
    'right-missing',
    /EPERM opening AF_PACKET; needs CAP_NET_RAW/,
    /mmsg backend works without/,
  ],
  ['packetRing', 12, 'backend-refused', /ENOMEM.*contiguous/, /smaller or fewer/],
  ['packetRing', 22, 'backend-refused', /EINVAL.*page size/, /65536/],
  ['packetBind', 100, 'socket-failed', /ENETDOWN.*down/, /ip link set/],
  ['fanout', 22, 'backend-refused', /EINVAL.*fanout group exists/, /another/],
  // UDP
  ['join', 19, 'socket-failed', /ENODEV.*no interface to join on/, /iface=/],
  ['join', 105, 'socket-failed', /ENOBUFS.*igmp_max_memberships.*igmp_max_msf/, /sysctl/],
  ['bind', 98, 'socket-failed', /EADDRINUSE/, /ss -ulnp/],
  ['bind', 99, 'socket-failed', /EADDRNOTAVAIL.*does not have this address/, /ip address/],
  ['bind', 13, 'right-missing', /CAP_NET_BIND_SERVICE/, /setcap/],
  ['sendInterface', 99, 'socket-failed', /EADDRNOTAVAIL.*no address to send from/, /ip link set/],
  ['connect', 101, 'socket-failed', /ENETUNREACH.*no route/, /iface=/],
  ['busyPoll', 1, 'right-missing', /CAP_NET_ADMIN/, /setcap/],
  ['hardwareTime', 1, 'right-missing', /CAP_NET_ADMIN/, /Software timestamps need nothing/],
  ['hardwareTime', 95, 'backend-refused', /no hardware timestamps/, /software timestamps/],
  // threads and memory
  ['affinity', 22, 'backend-refused', /EINVAL pinning the thread/, /taskset/],
  ['realtime', 1, 'right-missing', /CAP_SYS_NICE.*RLIMIT_RTPRIO/, /LimitRTPRIO/],
  ['lockMemory', 1, 'right-missing', /CAP_IPC_LOCK/, /LimitMEMLOCK/],
  ['lockMemory', 12, 'memory-lock', /limit of locked memory/, /ulimit -l/],
];

describe('failure', () => {
  it.each(ROWS)('%s, error %i', (step, errno, code, says, way) => {
    for (const sign of [errno, -errno]) {
      const error = failure('xdp on eth1', step, sign);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(/^xdp on eth1: /);
      expect(error.message).toContain(errnoName(errno));
      expect(error.message).toMatch(says);
      if (way === null) expect(error.hint).toBeNull();
      else expect(error.hint).toMatch(way);
    }
  });

  it('names what it knows nothing about, with what else is known', () => {
    const error = failure('ring on eth1', 'receive', -71, 'block 3');
    expect(error.message).toBe('ring on eth1: errno 71 receiving (block 3)');
    expect(error.code).toBe('socket-failed');
  });
});
