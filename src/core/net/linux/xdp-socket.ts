import type { Subscription, XdpOptions } from '../backend.ts';
import {
  AF_XDP,
  MAP_ANONYMOUS,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  SOCK_RAW,
  SOL_XDP,
  XDP_COPY,
  XDP_MMAP_OFFSETS,
  XDP_PGOFF_COMPLETION_RING,
  XDP_PGOFF_FILL_RING,
  XDP_PGOFF_RX_RING,
  XDP_RX_RING,
  XDP_STATISTICS,
  XDP_UMEM_COMPLETION_RING,
  XDP_UMEM_FILL_RING,
  XDP_UMEM_REG,
  XDP_USE_NEED_WAKEUP,
  XDP_ZEROCOPY,
} from './constants.ts';
import { EBUSY, EINVAL } from './errno.ts';
import { failure, type Step } from './failures.ts';
import { FrameTaker } from './frame-taker.ts';
import { interfaceMtu, type NetworkInterface } from './interfaces.ts';
import type { NativeMemory } from './memory.ts';
import { xdpAddress } from './sockaddr.ts';
import type { Syscalls } from './syscalls.ts';
import { type XdpRingLayout, XdpRings } from './xdp-rings.ts';

/** Never sent from; the kernel wants the ring all the same. */
const COMPLETION_ENTRIES = 64;
/** A frame and 256 bytes in front of it fit a chunk of 2048 up to this MTU. */
const SMALL_MTU_MAX = 1500;
const OFFSETS_BYTES = 128;
const RX_ENTRY_BYTES = 16;
const FILL_ENTRY_BYTES = 8;
/** A queue is released some time after its last socket was closed. */
const BIND_TRIES = 50;
const BIND_PAUSE_MS = 20;

/** Packets of one queue that were lost, each by one reason. */
export interface XdpDrops {
  readonly ringFull: number;
  readonly fillEmpty: number;
  /** Too long for a chunk, and the like. */
  readonly dropped: number;
}

/** One XDP socket: packet memory, rings, and one queue of an interface. */
export class XdpSocket {
  readonly fd: number;
  readonly where: string;
  readonly memory: NativeMemory;
  readonly rings: XdpRings;
  readonly taker: FrameTaker;
  readonly #calls: Syscalls;
  readonly #mappings: readonly NativeMemory[];

  private constructor(
    calls: Syscalls,
    fd: number,
    where: string,
    memory: NativeMemory,
    mappings: readonly NativeMemory[],
    rings: XdpRings,
    taker: FrameTaker,
  ) {
    this.#calls = calls;
    this.fd = fd;
    this.where = where;
    this.memory = memory;
    this.#mappings = mappings;
    this.rings = rings;
    this.taker = taker;
  }

  /**
   * Opens and binds a socket to one queue. @returns null where the interface has no such queue and it need not exist.
   * Throws MdxError.
   */
  static open(
    calls: Syscalls,
    device: NetworkInterface,
    queue: number,
    subscriptions: readonly Subscription[],
    options: XdpOptions,
    mustExist: boolean,
  ): XdpSocket | null {
    const where = `xdp on ${device.name}, queue ${queue}`;
    const parts = new Parts(calls, where);
    try {
      const fd = parts.socket();
      const chunkBytes = interfaceMtu(calls, fd, device.name) <= SMALL_MTU_MAX ? 2048 : 4096;
      const chunks = powerOfTwo(options.chunks);
      const memory = parts.packetMemory(fd, chunkBytes, chunks);
      for (const [name, entries] of [
        [XDP_UMEM_FILL_RING, chunks],
        [XDP_UMEM_COMPLETION_RING, COMPLETION_ENTRIES],
        [XDP_RX_RING, chunks],
      ] as const) {
        parts.check('xdpRing', calls.setNumber(fd, SOL_XDP, name, entries));
      }
      parts.check('xdpRing', calls.getOption(fd, SOL_XDP, XDP_MMAP_OFFSETS, OFFSETS_BYTES));
      const offsets = new DataView(calls.answer.buffer.slice(0, OFFSETS_BYTES));
      const rx = parts.ring(fd, offsets, 0, XDP_PGOFF_RX_RING, RX_ENTRY_BYTES, chunks);
      const fill = parts.ring(fd, offsets, 64, XDP_PGOFF_FILL_RING, FILL_ENTRY_BYTES, chunks);
      parts.ring(fd, offsets, 96, XDP_PGOFF_COMPLETION_RING, FILL_ENTRY_BYTES, COMPLETION_ENTRIES);
      const rings = new XdpRings(rx, fill, chunkBytes, memory.length);
      rings.giveAll(chunkBytes);
      const flags = options.zeroCopy ? XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP : XDP_COPY;
      const bound = bindPatiently(calls, fd, xdpAddress(flags, device.index, queue));
      if (bound === -EINVAL && !mustExist && queue > 0) {
        parts.close();
        return null;
      }
      const waited = bound === -EBUSY ? `tried for ${BIND_TRIES * BIND_PAUSE_MS} ms` : null;
      parts.check('xdpBind', bound, waited);
      const taker = new FrameTaker(memory, subscriptions);
      return new XdpSocket(calls, fd, where, memory, parts.mappings, rings, taker);
    } catch (error) {
      parts.close();
      throw error;
    }
  }

  /** The kernel's counters; they are never set back. */
  drops(): XdpDrops {
    if (this.#calls.getOption(this.fd, SOL_XDP, XDP_STATISTICS, 48) < 48) {
      return { ringFull: 0, fillEmpty: 0, dropped: 0 };
    }
    const { answer } = this.#calls;
    const counter = (at: number): number =>
      answer.getUint32(at, true) + answer.getUint32(at + 4, true) * 2 ** 32;
    const fillEmpty = counter(32);
    // What found no chunk is counted as dropped, too.
    return { ringFull: counter(24), fillEmpty, dropped: Math.max(0, counter(0) - fillEmpty) };
  }

  close(): void {
    close(this.#calls, this.fd, this.#mappings);
  }
}

/** What has been made so far, for undoing it. */
class Parts {
  readonly mappings: NativeMemory[] = [];
  readonly #calls: Syscalls;
  readonly #where: string;
  #fd = -1;

  constructor(calls: Syscalls, where: string) {
    this.#calls = calls;
    this.#where = where;
  }

  check(step: Step, result: number, detail: string | null = null): number {
    if (result < 0) throw failure(this.#where, step, result, detail);
    return result;
  }

  socket(): number {
    this.#fd = this.check('xdpSocket', this.#calls.socket(AF_XDP, SOCK_RAW, 0));
    return this.#fd;
  }

  /** xdp_umem_reg 32: address@0 · length@8 · chunk@16 · headroom@20 · flags@24. */
  packetMemory(fd: number, chunkBytes: number, chunks: number): NativeMemory {
    const bytes = chunkBytes * chunks;
    const memory = this.#map('umem', bytes, -1, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
    const request = this.#calls.allocate(32);
    request.setPointer(0, memory.address);
    request.setPointer(8, bytes);
    request.words[4] = chunkBytes;
    this.check('umem', this.#calls.setOption(fd, SOL_XDP, XDP_UMEM_REG, request.bytes));
    return memory;
  }

  /** @param at where in xdp_mmap_offsets: producer@0 · consumer@8 · descriptors@16 · flags@24, u64 each. */
  ring(
    fd: number,
    offsets: DataView,
    at: number,
    page: number,
    entryBytes: number,
    entries: number,
  ): XdpRingLayout {
    const descriptors = offsets.getUint32(at + 16, true);
    const mapping = this.#map(
      'xdpRing',
      descriptors + entries * entryBytes,
      fd,
      page,
      MAP_SHARED | MAP_POPULATE,
    );
    return {
      words: mapping.words,
      producer: offsets.getUint32(at, true),
      consumer: offsets.getUint32(at + 8, true),
      descriptors,
      flags: offsets.getUint32(at + 24, true),
      entries,
    };
  }

  close(): void {
    close(this.#calls, this.#fd, this.mappings);
  }

  #map(step: Step, bytes: number, fd: number, offset: number, flags: number): NativeMemory {
    const mapping = this.#calls.map(bytes, fd, offset, PROT_READ | PROT_WRITE, flags);
    if (typeof mapping === 'number') throw failure(this.#where, step, mapping);
    this.mappings.push(mapping);
    return mapping;
  }
}

/** The rings first: closing the socket alone does not free the queue while they are mapped. */
function close(calls: Syscalls, fd: number, mappings: readonly NativeMemory[]): void {
  for (const mapping of mappings) calls.release(mapping);
  if (fd >= 0) calls.close(fd);
}

function bindPatiently(calls: Syscalls, fd: number, address: Uint8Array): number {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let result = calls.bind(fd, address);
  for (let tries = 1; result === -EBUSY && tries < BIND_TRIES; tries += 1) {
    Atomics.wait(pause, 0, 0, BIND_PAUSE_MS);
    result = calls.bind(fd, address);
  }
  return result;
}

function powerOfTwo(least: number): number {
  let value = 64;
  while (value < least) value *= 2;
  return value;
}
