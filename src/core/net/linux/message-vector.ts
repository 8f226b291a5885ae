import type { NativeMemory } from './memory.ts';
import type { Syscalls } from './syscalls.ts';

export const HEADER_BYTES = 64;
export const NAME_BYTES = 32;

const NAME_LENGTH = 8;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;
export const MESSAGE_FLAGS = 48;
export const MESSAGE_LENGTH = 56;
const IOVEC_BYTES = 16;
const TWO_32 = 4294967296;

/**
 * Everything that recvmmsg and sendmmsg need for `size` messages, laid out once in one piece of memory:
 *
 *     mmsghdr 64 each   name@0 · namelen@8 u32 · iov@16 · iovlen@24 · control@32 · controllen@40 · flags@48 · length@56 u32
 *     iovec 16 each     base@0 · length@8
 *     name 32 each      the other side's sockaddr
 *     control           `controlBytes` each
 *
 * The data itself lies elsewhere; `point` says where.
 */
export class MessageVector {
  readonly memory: NativeMemory;
  readonly size: number;
  readonly controlBytes: number;
  /** The mmsghdr of each message, as calls take it. */
  readonly pointers: readonly bigint[];
  /** Word numbers of the first iovec, name and control area. */
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;

  /** @param nameBytes 0 = the other side's address is not wanted; @param controlBytes a multiple of 8. */
  constructor(calls: Syscalls, size: number, nameBytes: 0 | 32, controlBytes: number) {
    const vectors = size * HEADER_BYTES;
    const names = vectors + size * IOVEC_BYTES;
    const controls = names + size * NAME_BYTES;
    const memory = calls.allocate(controls + size * controlBytes);
    const pointers: bigint[] = [];
    for (let index = 0; index < size; index += 1) {
      const header = index * HEADER_BYTES;
      pointers.push(memory.pointer + BigInt(header));
      if (nameBytes > 0) memory.setPointer(header, memory.address + names + index * NAME_BYTES);
      memory.setPointer(header + 16, memory.address + vectors + index * IOVEC_BYTES);
      memory.words[(header + IOV_COUNT) >>> 2] = 1;
      if (controlBytes > 0)
        memory.setPointer(header + CONTROL, memory.address + controls + index * controlBytes);
    }
    this.memory = memory;
    this.size = size;
    this.controlBytes = controlBytes;
    this.pointers = pointers;
    this.#vectors = vectors >>> 2;
    this.#names = names >>> 2;
    this.#controls = controls >>> 2;
  }

  /** Says where the data of message `index` is to be put or taken from. */
  point(index: number, address: number, length: number): void {
    const { words } = this.memory;
    const at = this.#vectors + index * (IOVEC_BYTES / 4);
    words[at] = address;
    words[at + 1] = Math.floor(address / TWO_32);
    words[at + 2] = length;
  }

  /** Gives the kernel the whole name and control area again: it leaves there how much of them it used. */
  rearm(from: number, to: number): void {
    const { words } = this.memory;
    for (let index = from; index < to; index += 1) {
      const header = index * (HEADER_BYTES / 4);
      words[header + NAME_LENGTH / 4] = NAME_BYTES;
      words[header + CONTROL_LENGTH / 4] = this.controlBytes;
    }
  }

  /** First byte of the name of message `index` in the memory. */
  nameAt(index: number): number {
    return this.#names * 4 + index * NAME_BYTES;
  }

  controlAt(index: number): number {
    return this.#controls * 4 + index * this.controlBytes;
  }

  /** Bytes of control messages that the kernel wrote. */
  controlLength(index: number): number {
    return this.memory.words[(index * HEADER_BYTES + CONTROL_LENGTH) >>> 2]!;
  }

  length(index: number): number {
    return this.memory.words[(index * HEADER_BYTES + MESSAGE_LENGTH) >>> 2]!;
  }

  flags(index: number): number {
    return this.memory.words[(index * HEADER_BYTES + MESSAGE_FLAGS) >>> 2]!;
  }
}
