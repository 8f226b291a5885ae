import { type Address, formatAddress, isMulticast } from '../../capture/address.ts';
import type { ReceiveOptions, Subscription } from '../backend.ts';
import {
  AF_INET,
  AF_INET6,
  IP_MULTICAST_ALL,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_ALL,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
  SIOCSHWTSTAMP,
  SO_BUSY_POLL,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_RXQ_OVFL,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  SOL_SOCKET,
  TIMESTAMPING_RAW_HARDWARE,
  TIMESTAMPING_RX_HARDWARE,
  TIMESTAMPING_RX_SOFTWARE,
  TIMESTAMPING_SOFTWARE,
} from './constants.ts';
import { failure, type Step } from './failures.ts';
import { findInterface, interfaceRequest } from './interfaces.ts';
import { groupRequest, scopeOf, socketAddress } from './sockaddr.ts';
import type { Syscalls } from './syscalls.ts';

const MEMINFO_BYTES = 36;
const MEMINFO_DROPS = 32;
const HARDWARE_TIME_FLAGS =
  TIMESTAMPING_RX_HARDWARE | TIMESTAMPING_RAW_HARDWARE | TIMESTAMPING_RX_SOFTWARE | TIMESTAMPING_SOFTWARE;
/** hwtstamp_config.rx_filter: stamp every packet. */
const HWTSTAMP_FILTER_ALL = 1;

/**
 * A UDP socket that receives one group and port (or one local address and port): bound to the group, so that what
 * other sockets of the host have joined does not come here; joined on one interface, and deaf to the same group on others.
 */
export class UdpSocket {
  readonly fd: number;
  readonly subscription: Subscription;
  /** The port it is bound to: where the subscription says 0, the one that the system chose. */
  readonly port: number;
  /** Bytes asked for and granted, null where none were asked for. The kernel doubles both; here neither is. */
  readonly bufferAsked: number | null;
  readonly bufferGranted: number | null;
  readonly #calls: Syscalls;

  private constructor(calls: Syscalls, fd: number, subscription: Subscription, options: ReceiveOptions) {
    this.#calls = calls;
    this.fd = fd;
    this.subscription = subscription;
    this.port = calls.socketName(fd) < 4 ? 0 : calls.answer.getUint16(2);
    this.bufferAsked = options.receiveBufferBytes;
    this.bufferGranted =
      options.receiveBufferBytes === null ? null : askBuffer(calls, fd, options.receiveBufferBytes);
  }

  /** Throws MdxError. */
  static open(calls: Syscalls, subscription: Subscription, options: ReceiveOptions): UdpSocket {
    const { group, port } = subscription;
    const where = placeOf(subscription);
    const device = subscription.iface === null ? null : findInterface(calls, subscription.iface);
    const index = device?.index ?? 0;
    const fd = openSocket(calls, where, group);
    try {
      const setting = new Settings(calls, fd, where);
      setting.number('option', SOL_SOCKET, SO_REUSEADDR, 1);
      if (group.ipVersion === 6) setting.number('option', IPPROTO_IPV6, IPV6_V6ONLY, 1);
      setting.bytes('option', SOL_SOCKET, SO_RCVTIMEO, timeval(options.timeoutMs));
      setting.number('option', SOL_SOCKET, SO_RXQ_OVFL, 1);
      setting.timestamps(options.timestamping, device?.name ?? null);
      if (options.busyPollUs !== null)
        setting.number('busyPoll', SOL_SOCKET, SO_BUSY_POLL, options.busyPollUs);
      if (isAny(group)) setting.destination(group.ipVersion);
      check(where, 'bind', calls.bind(fd, socketAddress(group, port, scopeOf(group, index))));
      if (isMulticast(group.words, group.ipVersion)) join(calls, fd, where, subscription, index);
      return new UdpSocket(calls, fd, subscription, options);
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  /** Datagrams that the kernel dropped because the buffer was full, since the socket was opened; u32, wraps. */
  drops(): number {
    const length = this.#calls.getOption(this.fd, SOL_SOCKET, SO_MEMINFO, MEMINFO_BYTES);
    return length < MEMINFO_BYTES ? 0 : this.#calls.answer.getUint32(MEMINFO_DROPS, true);
  }

  close(): void {
    this.#calls.close(this.fd);
  }
}

/** Sockets that are not bound and join the groups of `subscriptions`, for backends that read packets elsewhere. */
export function joinOnly(calls: Syscalls, where: string, subscription: Subscription, index: number): number {
  const fd = openSocket(calls, where, subscription.group);
  try {
    // Not a byte is read here: the smallest buffer there is.
    calls.setNumber(fd, SOL_SOCKET, SO_RCVBUF, 0);
    join(calls, fd, where, subscription, index);
    return fd;
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

function openSocket(calls: Syscalls, where: string, address: Address): number {
  const fd = calls.socket(address.ipVersion === 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  check(where, 'socket', fd);
  return fd;
}

function join(
  calls: Syscalls,
  fd: number,
  where: string,
  { group, source }: Subscription,
  index: number,
): void {
  const level = group.ipVersion === 4 ? IPPROTO_IP : IPPROTO_IPV6;
  // Only what this socket joined, on the interface where it did.
  const all = group.ipVersion === 4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL;
  check(where, 'option', calls.setNumber(fd, level, all, 0));
  const name = source === null ? MCAST_JOIN_GROUP : MCAST_JOIN_SOURCE_GROUP;
  check(where, 'join', calls.setOption(fd, level, name, groupRequest(index, group, source)));
}

/** Forced where this process may, else as much as net.core.rmem_max lets it have. @returns bytes granted. */
function askBuffer(calls: Syscalls, fd: number, bytes: number): number {
  if (calls.setNumber(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes) < 0) {
    calls.setNumber(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  }
  // The kernel doubles what is set, for its own bookkeeping.
  return calls.getOption(fd, SOL_SOCKET, SO_RCVBUF, 4) < 4 ? 0 : calls.answer.getInt32(0, true) >>> 1;
}

/** Socket options, each checked. */
class Settings {
  readonly #calls: Syscalls;
  readonly #fd: number;
  readonly #where: string;

  constructor(calls: Syscalls, fd: number, where: string) {
    this.#calls = calls;
    this.#fd = fd;
    this.#where = where;
  }

  number(step: Step, level: number, name: number, value: number): void {
    check(this.#where, step, this.#calls.setNumber(this.#fd, level, name, value));
  }

  bytes(step: Step, level: number, name: number, value: Uint8Array): void {
    check(this.#where, step, this.#calls.setOption(this.#fd, level, name, value));
  }

  /** Asks for the destination address of each datagram: a socket bound to no address sees several. */
  destination(ipVersion: 4 | 6): void {
    if (ipVersion === 4) this.number('option', IPPROTO_IP, IP_PKTINFO, 1);
    else this.number('option', IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }

  timestamps(kind: ReceiveOptions['timestamping'], iface: string | null): void {
    if (kind === 'software') this.number('option', SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (kind !== 'hardware') return;
    this.number('option', SOL_SOCKET, SO_TIMESTAMPING, HARDWARE_TIME_FLAGS);
    if (iface !== null) switchOnHardwareTime(this.#calls, this.#fd, this.#where, iface);
  }
}

/** Tells an interface to stamp all packets. ifreq 40: name@0 · pointer@16, to hwtstamp_config 12: flags · tx_type · rx_filter. */
export function switchOnHardwareTime(calls: Syscalls, fd: number, where: string, iface: string): void {
  const config = calls.allocate(12);
  config.words[2] = HWTSTAMP_FILTER_ALL;
  const request = interfaceRequest(calls, iface);
  request.setPointer(16, config.address);
  check(where, 'hardwareTime', calls.ioctl(fd, SIOCSHWTSTAMP, request));
}

/** struct timeval: seconds and microseconds, 64 bits each. */
function timeval(ms: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(ms / 1000), true);
  view.setUint32(8, (ms % 1000) * 1000, true);
  return bytes;
}

function isAny({ words }: Address): boolean {
  return words.every((word) => word === 0);
}

/** `239.10.10.1:5001 on eth0`, for messages. */
export function placeOf({ group, port, iface, source }: Subscription): string {
  const address = formatAddress(group.words, group.ipVersion);
  const from = source === null ? '' : ` from ${formatAddress(source.words, source.ipVersion)}`;
  const on = iface === null ? '' : ` on ${iface}`;
  return `${group.ipVersion === 6 ? `[${address}]` : address}:${port}${from}${on}`;
}

function check(where: string, step: Step, result: number): void {
  if (result < 0) throw failure(where, step, result);
}
