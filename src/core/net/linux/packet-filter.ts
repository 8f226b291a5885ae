import { MdxError } from '../../errors.ts';
import type { Subscription } from '../backend.ts';
import type { NativeMemory } from './memory.ts';
import type { Syscalls } from './syscalls.ts';

/** Classic BPF: load half-word, byte, word; index = 4 × header length; conditional and plain jumps; return. */
const LD_HALF = 0x28;
const LD_BYTE = 0x30;
const LD_WORD = 0x20;
const LD_HALF_INDEXED = 0x48;
const LDX_HEADER_LENGTH = 0xb1;
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const JUMP = 0x05;
const RETURN = 0x06;

const ETHERNET_BYTES = 14;
const VLAN_BYTES = 4;
const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const ETHER_VLANS = [0x8100, 0x88a8] as const;
const PROTOCOL_UDP = 17;
const PROTOCOL_FRAGMENT = 44;
/** More-fragments flag and offset. */
const FRAGMENT_BITS = 0x3fff;
const WHOLE = 0x40000;
/** Enough of a fragment to see that it is one. */
const FRAGMENT_SNAP = 96;
const INSTRUCTIONS_MAX = 4096;
export const INSTRUCTION_BYTES = 8;

interface Instruction {
  readonly code: number;
  jt: number;
  jf: number;
  k: number;
}

/**
 * The filter of a packet socket, sock_filter 8 each: code u16 · jt u8 · jf u8 · k u32. It lets through UDP packets to
 * one of the groups and ports (from the source, where one was named), over IPv4 without and with options and over
 * IPv6 without extension headers, also behind one VLAN tag; and the beginning of each fragment to one of the groups, so
 * that fragments are seen and counted. Throws MdxError where there are too many groups for one filter.
 */
export function packetFilter(subscriptions: readonly Subscription[]): Uint8Array {
  const program = new Program();
  program.emit(LD_HALF, 12);
  const plain = [program.branch(ETHER_IPV4), program.branch(ETHER_IPV6)] as const;
  const tagged = ETHER_VLANS.map((type) => program.branch(type));
  program.emit(RETURN, 0);
  for (const each of tagged) program.land(each);
  program.emit(LD_HALF, 16);
  const behindTag = [program.branch(ETHER_IPV4), program.branch(ETHER_IPV6)] as const;
  program.emit(RETURN, 0);
  for (const [[ipv4, ipv6], at] of [
    [plain, ETHERNET_BYTES],
    [behindTag, ETHERNET_BYTES + VLAN_BYTES],
  ] as const) {
    program.land(ipv4);
    acceptIpv4(program, subscriptions, at);
    program.land(ipv6);
    acceptIpv6(program, subscriptions, at);
  }
  return program.bytes();
}

/** sock_fprog 16: count u16 · pointer@8. @returns it and the memory that it points to. */
export function filterOption(
  calls: Syscalls,
  filter: Uint8Array,
): { option: Uint8Array; code: NativeMemory } {
  const code = calls.allocate(filter.length);
  code.bytes.set(filter);
  const head = calls.allocate(16);
  head.view.setUint16(0, filter.length / INSTRUCTION_BYTES, true);
  head.setPointer(8, code.address);
  return { option: head.bytes, code };
}

function acceptIpv4(program: Program, subscriptions: readonly Subscription[], at: number): void {
  program.emit(LD_BYTE, at + 9);
  program.require(PROTOCOL_UDP);
  for (const { group, port, source } of subscriptions) {
    if (group.ipVersion !== 4) continue;
    const others = program.pair();
    if (group.words[3] !== 0) program.demand(others, at + 16, group.words[3]!);
    if (source !== null) program.demand(others, at + 12, source.words[3]!);
    program.emit(LD_HALF, at + 6);
    program.emit(JUMP_ANY_BIT, FRAGMENT_BITS, 0, 1);
    program.emit(RETURN, FRAGMENT_SNAP);
    program.emit(LDX_HEADER_LENGTH, at);
    program.emit(LD_HALF_INDEXED, at + 2);
    program.emit(JUMP_EQUAL, port, 0, 1);
    program.emit(RETURN, WHOLE);
    program.landPair(others);
  }
  program.emit(RETURN, 0);
}

function acceptIpv6(program: Program, subscriptions: readonly Subscription[], at: number): void {
  for (const { group, port, source } of subscriptions) {
    if (group.ipVersion !== 6) continue;
    const others = program.pair();
    const isAny = group.words.every((word) => word === 0);
    for (let word = 0; word < 4; word += 1) {
      if (!isAny) program.demand(others, at + 24 + word * 4, group.words[word]!);
      if (source !== null) program.demand(others, at + 8 + word * 4, source.words[word]!);
    }
    program.emit(LD_BYTE, at + 6);
    program.emit(JUMP_EQUAL, PROTOCOL_FRAGMENT, 0, 1);
    program.emit(RETURN, FRAGMENT_SNAP);
    program.emit(JUMP_EQUAL, PROTOCOL_UDP, 0, 3);
    program.emit(LD_HALF, at + 42);
    program.emit(JUMP_EQUAL, port, 0, 1);
    program.emit(RETURN, WHOLE);
    program.landPair(others);
  }
  program.emit(RETURN, 0);
}

/** Instructions with jumps that are filled in when their target is reached. Conditional jumps reach 255 far. */
class Program {
  readonly #code: Instruction[] = [];

  emit(code: number, k: number, jt: number = 0, jf: number = 0): void {
    this.#code.push({ code, jt, jf, k });
  }

  /** Where the value equals `k`, goes far away. @returns the jump, for `land`. */
  branch(k: number): Instruction {
    this.emit(JUMP_EQUAL, k, 0, 1);
    this.emit(JUMP, this.#code.length + 1);
    return this.#code.at(-1)!;
  }

  /** Here is where that jump goes. */
  land(jump: Instruction): void {
    // `k` held the number of the instruction behind the jump.
    jump.k = this.#code.length - jump.k;
  }

  /** Rejects unless the value equals `k`. */
  require(k: number): void {
    this.emit(JUMP_EQUAL, k, 1, 0);
    this.emit(RETURN, 0);
  }

  /** Jumps that leave one group for the next. */
  pair(): number[] {
    return [];
  }

  /** Leaves this group unless the word at `at` is `value`. */
  demand(others: number[], at: number, value: number): void {
    this.emit(LD_WORD, at);
    others.push(this.#code.length);
    this.emit(JUMP_EQUAL, value);
  }

  landPair(others: readonly number[]): void {
    for (const from of others) this.#code[from]!.jf = this.#code.length - from - 1;
  }

  bytes(): Uint8Array {
    if (this.#code.length > INSTRUCTIONS_MAX) {
      throw new MdxError('backend-refused', 'packet filter: too many groups for one filter', {
        hint: 'Spread the groups over several lines, or use the mmsg backend.',
      });
    }
    const bytes = new Uint8Array(this.#code.length * INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, { code, jt, jf, k }] of this.#code.entries()) {
      const at = index * INSTRUCTION_BYTES;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, jt);
      view.setUint8(at + 3, jf);
      view.setInt32(at + 4, k, true);
    }
    return bytes;
  }
}
