/** Numbers of the socket interface (generic ABI: x86, arm64, riscv64), as the kernel's uapi headers define them. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const AF_XDP = 44;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const IPPROTO_IP = 0;
export const IPPROTO_IPV6 = 41;
export const SOL_SOCKET = 1;
export const SOL_PACKET = 263;
export const SOL_XDP = 283;

export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_RCVTIMEO = 20;
export const SO_ATTACH_FILTER = 26;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
export const SO_TIMESTAMPING = 37;
export const SO_RXQ_OVFL = 40;
export const SO_BUSY_POLL = 46;
export const SO_MEMINFO = 55;
/** The same control messages where time is 64-bit everywhere. */
export const SO_TIMESTAMPNS_NEW = 64;
export const SO_TIMESTAMPING_NEW = 65;

export const IP_PKTINFO = 8;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_MULTICAST_ALL = 49;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_V6ONLY = 26;
export const IPV6_MULTICAST_ALL = 29;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
/** Joins by interface number, for both families. */
export const MCAST_JOIN_GROUP = 42;
export const MCAST_JOIN_SOURCE_GROUP = 46;

export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITFORONE = 0x10000;

export const TIMESTAMPING_RX_HARDWARE = 4;
export const TIMESTAMPING_RX_SOFTWARE = 8;
export const TIMESTAMPING_SOFTWARE = 16;
export const TIMESTAMPING_RAW_HARDWARE = 64;

export const SIOCSHWTSTAMP = 0x89b0;

export const POLLIN = 1;
export const POLLERR = 8;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;

export const ETH_P_ALL = 0x0003;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const PACKET_TIMESTAMP = 17;
export const PACKET_FANOUT = 18;
export const PACKET_IGNORE_OUTGOING = 23;
export const TPACKET_V2 = 1;
export const TPACKET_V3 = 2;
export const PACKET_FANOUT_HASH = 0;
export const PACKET_FANOUT_FLAG_IGNORE_OUTGOING = 0x4000;
export const SIOCGIFMTU = 0x8921;

export const XDP_MMAP_OFFSETS = 1;
export const XDP_RX_RING = 2;
export const XDP_UMEM_REG = 4;
export const XDP_UMEM_FILL_RING = 5;
export const XDP_UMEM_COMPLETION_RING = 6;
export const XDP_STATISTICS = 7;
export const XDP_COPY = 2;
export const XDP_ZEROCOPY = 4;
export const XDP_USE_NEED_WAKEUP = 8;
export const XDP_PGOFF_RX_RING = 0;
export const XDP_PGOFF_FILL_RING = 0x100000000;
export const XDP_PGOFF_COMPLETION_RING = 0x180000000;
export const XDP_FLAGS_GENERIC = 2;
export const XDP_FLAGS_NATIVE = 4;
