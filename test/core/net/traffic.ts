import { parseAddress } from '../../../src/core/capture/address.ts';
import { frameBytes, synthesizeEthernet } from '../../../src/core/capture/ethernet.ts';
import type { BlockingBackend, ReceiveOptions, Subscription } from '../../../src/core/net/backend.ts';
import { AF_PACKET, ETH_P_ALL, SOCK_RAW } from '../../../src/core/net/linux/constants.ts';
import { findInterface } from '../../../src/core/net/linux/interfaces.ts';
import { MessageVector } from '../../../src/core/net/linux/message-vector.ts';
import { packetAddress } from '../../../src/core/net/linux/sockaddr.ts';
import { Syscalls } from '../../../src/core/net/linux/syscalls.ts';
import type { SenderOptions, UdpSender } from '../../../src/core/net/sender.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { PacketPool } from '../../../src/core/packet/packet-pool.ts';

/** A group of the organisation-local scope that no other test process uses: the process id is in it. */
export function uniqueGroup(number: number): string {
  return `239.${192 + (number & 15)}.${(process.pid >>> 8) & 255}.${process.pid & 255}`;
}

export function subscription(
  group: string,
  port: number,
  iface: string | null = '127.0.0.1',
  source: string | null = null,
): Subscription {
  return {
    group: parseAddress(group)!,
    port,
    iface,
    source: source === null ? null : parseAddress(source)!,
  };
}

export function receiveOptions(
  subscriptions: readonly Subscription[],
  more: Partial<ReceiveOptions> = {},
): ReceiveOptions {
  return {
    subscriptions,
    receiveBufferBytes: 1 << 20,
    busyPollUs: null,
    timestamping: 'software',
    batch: 64,
    timeoutMs: 50,
    ring: null,
    xdp: null,
    ...more,
  };
}

export function senderOptions(host: string, port: number, more: Partial<SenderOptions> = {}): SenderOptions {
  return { host, port, iface: '127.0.0.1', ttl: 1, loop: true, batch: 64, ...more };
}

/** What `take` received: copies, in order, and the slots' words beside them. */
export interface Taken {
  readonly datagram: Datagram;
  readonly words: Int32Array;
}

/** Receives `wanted` datagrams into a pool of its own, or as many as come until nothing came for a while. */
export class Taker {
  readonly pool: PacketPool;
  readonly #backend: BlockingBackend;
  readonly #free: Int32Array;
  readonly #datagram: Datagram = new Datagram();

  constructor(backend: BlockingBackend, slots: number = 256, slotBytes: number = 2048) {
    this.#backend = backend;
    this.pool = new PacketPool(slots, slotBytes);
    this.#free = Int32Array.from({ length: slots }, (_, index) => slots - 1 - index);
    this.#datagram.attach(this.pool.bytes);
  }

  /** @param emptyMax calls in a row that may bring nothing before this gives up. */
  take(wanted: number, emptyMax: number = 20): Taken[] {
    const taken: Taken[] = [];
    let empty = 0;
    while (taken.length < wanted && empty < emptyMax) {
      const count = this.#backend.receive(this.pool, this.#free, this.#free.length);
      empty = count === 0 ? empty + 1 : 0;
      for (let index = 0; index < count; index += 1) {
        const slot = this.#free[index]!;
        this.pool.read(slot, this.#datagram);
        const words = this.pool.words.slice(slot * 16, slot * 16 + 16);
        taken.push({ datagram: this.#datagram.copy(), words });
      }
    }
    return taken;
  }
}

/** Payload number `index` of a stream: its number and then bytes that depend on it, `length` in all. */
export function payload(index: number, length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, at) => (index * 31 + at * 7) & 255);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

export function numberOf({ datagram }: Taken): number {
  return datagram.view.getUint32(0);
}

/** Sends payloads `from … from + count − 1`. */
export function sendAll(sender: UdpSender, count: number, length: number = 64, from: number = 0): void {
  for (let index = from; index < from + count; index += 1) sender.send(payload(index, length), 0, length);
  sender.flush();
}

/** A UDP frame, checksum not computed (0 = none over IPv4), behind a VLAN tag where one is given. */
export function frame(group: string, port: number, data: Uint8Array, vlan: number | null = null): Uint8Array {
  const destination = parseAddress(group)!;
  const bytes = new Uint8Array(frameBytes(destination.ipVersion, data.length));
  const header = {
    timeHigh: 0,
    timeLow: 0,
    ipVersion: destination.ipVersion,
    source: parseAddress(destination.ipVersion === 4 ? '10.9.1.1' : 'fd00:6d64::1')!.words,
    sourcePort: 1234,
    destination: destination.words,
    destinationPort: port,
  };
  synthesizeEthernet(bytes, new DataView(bytes.buffer), 0, header, 65, data, 0, data.length, data.length);
  if (vlan === null) return bytes;
  return Uint8Array.of(...bytes.subarray(0, 12), 0x81, 0, vlan >>> 8, vlan & 255, ...bytes.subarray(12));
}

/** Puts whole frames on the wire of an interface, as they are. */
export async function sendFrames(device: string, frames: readonly Uint8Array[]): Promise<void> {
  const calls = await Syscalls.load();
  const fd = calls.socket(AF_PACKET, SOCK_RAW, 0);
  calls.bind(fd, packetAddress(ETH_P_ALL, findInterface(calls, device).index));
  const vector = new MessageVector(calls, 1, 0, 0);
  for (const each of frames) {
    const memory = calls.allocate(each.length);
    memory.bytes.set(each);
    vector.point(0, memory.address, each.length);
    if (calls.sendmmsg(fd, vector.memory, vector.pointers[0]!, 1, 0) !== 1) throw new Error('frame not sent');
  }
  calls.close(fd);
}
