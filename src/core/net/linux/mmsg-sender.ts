import { type Address, isMulticast } from '../../capture/address.ts';
import type { SenderOptions, UdpSender } from '../sender.ts';
import {
  AF_INET,
  AF_INET6,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from './constants.ts';
import { failure, type Step } from './failures.ts';
import { findInterface } from './interfaces.ts';
import type { NativeMemory } from './memory.ts';
import { MessageVector } from './message-vector.ts';
import { multicastInterface, scopeOf, socketAddress } from './sockaddr.ts';
import type { Syscalls } from './syscalls.ts';
import { placeOf } from './udp-socket.ts';

/** Room for the datagrams of a batch; one of the largest always fits. */
const STORE_BYTES = 1 << 20;
const SEND_BUFFER_BYTES = 1 << 20;
/** Calls in a row that send nothing of the same datagram before it is given up. */
const TRIES_MAX = 2;

/** sendmmsg on a connected socket: one call a batch. */
export class MmsgSender implements UdpSender {
  readonly name = 'mmsg';
  readonly #calls: Syscalls;
  readonly #fd: number;
  readonly #vector: MessageVector;
  readonly #store: NativeMemory;
  /** Datagrams in the batch, and the bytes they take in the store. */
  #count = 0;
  #used = 0;
  sent = 0;
  sendErrors = 0;

  private constructor(calls: Syscalls, fd: number, batch: number) {
    this.#calls = calls;
    this.#fd = fd;
    this.#vector = new MessageVector(calls, batch, 0, 0);
    this.#store = calls.allocate(STORE_BYTES);
  }

  /** Throws MdxError. */
  static open(calls: Syscalls, address: Address, options: SenderOptions): MmsgSender {
    const { port, iface } = options;
    const where = `sending to ${placeOf({ group: address, port, iface, source: null })}`;
    const check = (step: Step, result: number): number => {
      if (result < 0) throw failure(where, step, result);
      return result;
    };
    const device = iface === null ? null : findInterface(calls, iface);
    const index = device?.index ?? 0;
    const isIpv4 = address.ipVersion === 4;
    const fd = check('socket', calls.socket(isIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
    try {
      calls.setNumber(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
      if (isMulticast(address.words, address.ipVersion)) {
        const level = isIpv4 ? IPPROTO_IP : IPPROTO_IPV6;
        const name = isIpv4 ? IP_MULTICAST_IF : IPV6_MULTICAST_IF;
        if (index > 0) {
          const value = isIpv4
            ? multicastInterface(index, device?.ipv4 ?? null)
            : new Uint8Array(Uint32Array.of(index).buffer);
          check('sendInterface', calls.setOption(fd, level, name, value));
        }
        const hops = isIpv4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS;
        check('option', calls.setNumber(fd, level, hops, options.ttl));
        const loop = isIpv4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP;
        check('option', calls.setNumber(fd, level, loop, options.loop ? 1 : 0));
      }
      check('connect', calls.connect(fd, socketAddress(address, port, scopeOf(address, index))));
      return new MmsgSender(calls, fd, options.batch);
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#count === this.#vector.size || this.#used + length > STORE_BYTES) this.flush();
    const at = this.#used;
    this.#store.bytes.set(bytes.subarray(offset, offset + length), at);
    this.#vector.point(this.#count, this.#store.address + at, length);
    this.#used += (length + 7) & ~7;
    this.#count += 1;
  }

  flush(): number {
    const count = this.#count;
    const sentBefore = this.sent;
    let at = 0;
    let tries = 0;
    while (at < count) {
      const { memory, pointers } = this.#vector;
      const result = this.#calls.sendmmsg(this.#fd, memory, pointers[at]!, count - at, 0);
      if (result > 0) {
        at += result;
        this.sent += result;
        tries = 0;
        continue;
      }
      // An error may be the answer to an earlier datagram (port unreachable): the same one gets a second chance.
      tries += 1;
      if (tries < TRIES_MAX) continue;
      this.sendErrors += 1;
      at += 1;
      tries = 0;
    }
    this.#count = 0;
    this.#used = 0;
    return this.sent - sentBefore;
  }

  async close(): Promise<void> {
    this.flush();
    this.#calls.close(this.#fd);
  }
}
