/** eBPF operations: moves, arithmetic with a number, loads, stores, jumps, calls. */
const MOVE = 0xbf;
const MOVE_NUMBER = 0xb7;
const ADD_NUMBER = 0x07;
const AND_NUMBER = 0x57;
const LOAD_WORD = 0x61;
const LOAD_HALF = 0x69;
const LOAD_BYTE = 0x71;
const STORE_WORD = 0x63;
const STORE_DOUBLE = 0x7b;
const LOAD_NUMBER_64 = 0x18;
const JUMP_GREATER = 0x2d;
const JUMP_NOT_NUMBER = 0x55;
const JUMP_NUMBER = 0x15;
const CALL = 0x85;
const EXIT = 0x95;

const HELPER_MAP_LOOKUP = 1;
const HELPER_KTIME = 5;
const HELPER_REDIRECT_MAP = 51;
const HELPER_ADJUST_META = 54;
/** Says that the number of LOAD_NUMBER_64 is the descriptor of a map. */
const MAP_DESCRIPTOR = 1;
const XDP_PASS = 2;

export const EBPF_INSTRUCTION_BYTES = 8;
/** Bytes in front of a frame that hold its time. */
export const TIME_BYTES = 8;

const [R0, R1, R2, R3, R4, R5, R6, R8, R10] = [0, 1, 2, 3, 4, 5, 6, 8, 10] as const;

/**
 * The XDP program: whole IPv4 UDP packets without options, bare or behind one VLAN tag, whose destination address and
 * port are in the filter map go to the socket of their queue, everything else to the IP stack. Before that the time
 * (CLOCK_MONOTONIC, ns) is put into the 8 bytes in front of the frame. Fields of the packet are read little endian.
 *
 * @param filterMap hash, key address 4 · port 2 · 0 2 in network order; @param socketMap XSKMAP by queue.
 */
export function xdpProgram(filterMap: number, socketMap: number, withTime: boolean): Uint8Array {
  const code = new Code();
  code.op(MOVE, R6, R1);
  code.op(LOAD_WORD, R2, R6, 0);
  code.op(LOAD_WORD, R3, R6, 4);
  code.passUnlessLong(18);
  code.op(LOAD_HALF, R5, R2, 12);
  // Not a tag: over the next instruction.
  code.op(JUMP_NOT_NUMBER, R5, 0, 1, 0x0081);
  code.op(ADD_NUMBER, R2, 0, 0, 4);
  code.passUnlessLong(42);
  code.op(LOAD_HALF, R5, R2, 12);
  code.passIf(JUMP_NOT_NUMBER, R5, 0x0008);
  code.op(LOAD_BYTE, R5, R2, 14);
  code.passIf(JUMP_NOT_NUMBER, R5, 0x45);
  code.op(LOAD_HALF, R5, R2, 20);
  code.op(AND_NUMBER, R5, 0, 0, 0xff3f);
  code.passIf(JUMP_NOT_NUMBER, R5, 0);
  code.op(LOAD_BYTE, R5, R2, 23);
  code.passIf(JUMP_NOT_NUMBER, R5, 17);
  code.op(LOAD_WORD, R5, R2, 30);
  code.op(STORE_WORD, R10, R5, -8);
  code.op(LOAD_HALF, R5, R2, 36);
  code.op(STORE_WORD, R10, R5, -4);
  code.map(R1, filterMap);
  code.op(MOVE, R2, R10);
  code.op(ADD_NUMBER, R2, 0, 0, -8);
  code.call(HELPER_MAP_LOOKUP);
  code.passIf(JUMP_NUMBER, R0, 0);
  if (withTime) putTime(code);
  code.map(R1, socketMap);
  code.op(LOAD_WORD, R2, R6, 16);
  code.op(MOVE_NUMBER, R3, 0, 0, XDP_PASS);
  code.call(HELPER_REDIRECT_MAP);
  code.op(EXIT);
  code.landPass();
  code.op(MOVE_NUMBER, R0, 0, 0, XDP_PASS);
  code.op(EXIT);
  return code.bytes();
}

function putTime(code: Code): void {
  code.call(HELPER_KTIME);
  code.op(MOVE, R8, R0);
  code.op(MOVE, R1, R6);
  code.op(MOVE_NUMBER, R2, 0, 0, -TIME_BYTES);
  code.call(HELPER_ADJUST_META);
  code.passIf(JUMP_NOT_NUMBER, R0, 0);
  code.op(LOAD_WORD, R2, R6, 8);
  code.op(LOAD_WORD, R3, R6, 0);
  code.passUnlessLong(TIME_BYTES);
  code.op(STORE_DOUBLE, R2, R8, 0);
}

/** Instructions of 8 bytes: operation · registers (destination low) · offset i16 · number i32. */
class Code {
  readonly #instructions: { op: number; registers: number; offset: number; number: number }[] = [];
  /** Jumps to the end, where the packet goes to the stack. */
  readonly #passes: number[] = [];

  op(op: number, destination: number = 0, source: number = 0, offset: number = 0, number: number = 0): void {
    this.#instructions.push({ op, registers: destination | (source << 4), offset, number });
  }

  call(helper: number): void {
    this.op(CALL, 0, 0, 0, helper);
  }

  /** Loads a map: takes two instructions. */
  map(destination: number, descriptor: number): void {
    this.op(LOAD_NUMBER_64, destination, MAP_DESCRIPTOR, 0, descriptor);
    this.op(0);
  }

  passIf(jump: number, register: number, number: number): void {
    this.#passes.push(this.#instructions.length);
    this.op(jump, register, 0, 0, number);
  }

  /** The kernel lets a program read only what it has compared with the end of the packet (r3). */
  passUnlessLong(bytes: number): void {
    this.op(MOVE, R4, R2);
    this.op(ADD_NUMBER, R4, 0, 0, bytes);
    this.#passes.push(this.#instructions.length);
    this.op(JUMP_GREATER, R4, R3);
  }

  landPass(): void {
    for (const from of this.#passes) this.#instructions[from]!.offset = this.#instructions.length - from - 1;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * EBPF_INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, { op, registers, offset, number }] of this.#instructions.entries()) {
      const at = index * EBPF_INSTRUCTION_BYTES;
      view.setUint8(at, op);
      view.setUint8(at + 1, registers);
      view.setInt16(at + 2, offset, true);
      view.setInt32(at + 4, number, true);
    }
    return bytes;
  }
}
