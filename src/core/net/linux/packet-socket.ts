import type { ReceiveOptions, RingOptions, Subscription } from '../backend.ts';
import {
  AF_PACKET,
  ETH_P_ALL,
  MAP_SHARED,
  PACKET_FANOUT,
  PACKET_FANOUT_FLAG_IGNORE_OUTGOING,
  PACKET_FANOUT_HASH,
  PACKET_IGNORE_OUTGOING,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_TIMESTAMP,
  PACKET_VERSION,
  PROT_READ,
  PROT_WRITE,
  SO_ATTACH_FILTER,
  SO_ERROR,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
  TIMESTAMPING_RAW_HARDWARE,
  TPACKET_V2,
  TPACKET_V3,
} from './constants.ts';
import { failure, type Step } from './failures.ts';
import { FrameTaker } from './frame-taker.ts';
import { interfaceMtu, type NetworkInterface } from './interfaces.ts';
import type { NativeMemory } from './memory.ts';
import { filterOption, packetFilter } from './packet-filter.ts';
import { RING_DEFAULTS } from './ring-defaults.ts';
import { BlockReader, FrameReader, type RingReader } from './ring-reader.ts';
import { packetAddress } from './sockaddr.ts';
import type { Syscalls } from './syscalls.ts';
import { switchOnHardwareTime } from './udp-socket.ts';

/** Kernel's header, alignment and a VLAN tag in front of a frame of version 2. */
const FRAME_ROOM = 128;
const FRAME_BYTES_MIN = 2048;
/** Longer frames are cut: market data has none. */
const FRAME_BYTES_MAX = 16384;

/** One packet socket with its ring, filter and reader, on one interface. */
export class PacketSocket {
  readonly fd: number;
  /** `packet ring on eth1`, for messages. */
  readonly where: string;
  readonly reader: RingReader;
  readonly taker: FrameTaker;
  /** Packets dropped for want of room in the ring, as last read. */
  drops = 0;
  readonly #calls: Syscalls;
  readonly #ring: NativeMemory;

  private constructor(
    calls: Syscalls,
    fd: number,
    where: string,
    ring: NativeMemory,
    reader: RingReader,
    taker: FrameTaker,
  ) {
    this.#calls = calls;
    this.fd = fd;
    this.where = where;
    this.#ring = ring;
    this.reader = reader;
    this.taker = taker;
  }

  /** Throws MdxError. */
  static open(
    calls: Syscalls,
    device: NetworkInterface,
    subscriptions: readonly Subscription[],
    options: ReceiveOptions,
  ): PacketSocket {
    const where = `packet ring on ${device.name}`;
    const sizes = options.ring ?? RING_DEFAULTS;
    const check = (step: Step, result: number): number => {
      if (result < 0) throw failure(where, step, result);
      return result;
    };
    const filter = filterOption(calls, packetFilter(subscriptions));
    // Protocol 0: nothing arrives before the filter is there.
    const fd = check('packetSocket', calls.socket(AF_PACKET, SOCK_RAW, 0));
    let ring: NativeMemory | null = null;
    try {
      const set = (name: number, value: number): void => {
        check('packetOption', calls.setNumber(fd, SOL_PACKET, name, value));
      };
      set(PACKET_VERSION, sizes.version === 2 ? TPACKET_V2 : TPACKET_V3);
      set(PACKET_IGNORE_OUTGOING, 1);
      if (options.timestamping === 'hardware') {
        set(PACKET_TIMESTAMP, TIMESTAMPING_RAW_HARDWARE);
        switchOnHardwareTime(calls, fd, where, device.name);
      }
      check('packetOption', calls.setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter.option));
      const frameBytes = sizes.version === 2 ? frameBytesFor(calls, fd, device, sizes) : sizes.blockBytes;
      check('packetRing', calls.setOption(fd, SOL_PACKET, PACKET_RX_RING, request(sizes, frameBytes)));
      const bytes = sizes.blockBytes * sizes.blocks;
      const mapped = calls.map(bytes, fd, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
      if (typeof mapped === 'number') throw failure(where, 'packetRing', mapped);
      ring = mapped;
      check('packetBind', calls.bind(fd, packetAddress(ETH_P_ALL, device.index)));
      if (sizes.fanout !== null) {
        // The group hears the interface in place of its sockets, so it has to be told the same about what goes out.
        const mode = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
        check('fanout', calls.setNumber(fd, SOL_PACKET, PACKET_FANOUT, sizes.fanout | (mode << 16)));
      }
      const reader =
        sizes.version === 2
          ? new FrameReader(ring.words, frameBytes, bytes / frameBytes)
          : new BlockReader(ring.words, sizes.blockBytes, sizes.blocks);
      return new PacketSocket(calls, fd, where, ring, reader, new FrameTaker(ring, subscriptions));
    } catch (error) {
      if (ring !== null) calls.release(ring);
      calls.close(fd);
      throw error;
    }
  }

  /** Reads the kernel's count, which reading sets back to zero. @returns the drops since the socket was opened. */
  readDrops(): number {
    const bytes = this.#calls.getOption(this.fd, SOL_PACKET, PACKET_STATISTICS, 12);
    if (bytes >= 8) this.drops += this.#calls.answer.getUint32(4, true);
    this.reader.losing = false;
    return this.drops;
  }

  /**
   * Takes the error of the socket away, or poll would come back at once for ever. It is that the interface went down: the
   * kernel goes on by itself when it comes up again.
   */
  clearError(): void {
    this.#calls.getOption(this.fd, SOL_SOCKET, SO_ERROR, 4);
  }

  close(): void {
    this.#calls.release(this.#ring);
    this.#calls.close(this.fd);
  }
}

/** A power of two, so that frames fill a block without a rest. */
function frameBytesFor(
  calls: Syscalls,
  fd: number,
  device: NetworkInterface,
  { blockBytes }: RingOptions,
): number {
  const wanted = interfaceMtu(calls, fd, device.name) + FRAME_ROOM;
  let bytes = FRAME_BYTES_MIN;
  while (bytes < wanted && bytes < FRAME_BYTES_MAX && bytes < blockBytes) bytes *= 2;
  return bytes;
}

/** tpacket_req 16, tpacket_req3 28: block bytes · blocks · frame bytes · frames · ms until a block is handed over · 0 · 0. */
function request(
  { version, blockBytes, blocks, blockTimeoutMs }: RingOptions,
  frameBytes: number,
): Uint8Array {
  const bytes = new Uint8Array(version === 2 ? 16 : 28);
  const words = new Uint32Array(bytes.buffer);
  words[0] = blockBytes;
  words[1] = blocks;
  words[2] = frameBytes;
  words[3] = Math.floor(blockBytes / frameBytes) * blocks;
  if (version === 3) words[4] = blockTimeoutMs;
  return bytes;
}
