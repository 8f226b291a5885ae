import type { NativeMemory } from './memory.ts';
import type { Syscalls } from './syscalls.ts';
import { EBPF_INSTRUCTION_BYTES } from './xdp-program.ts';

const MAP_CREATE = 0;
const MAP_UPDATE = 2;
const PROG_LOAD = 5;
const LINK_CREATE = 28;
export const MAP_TYPE_HASH = 1;
export const MAP_TYPE_XSKMAP = 17;
const PROG_TYPE_XDP = 6;
const ATTACH_XDP = 37;

const ATTRIBUTE_BYTES = 128;
const LOG_BYTES = 1 << 16;
const LOG_LINES_SHOWN = 6;

/** The commands of bpf(2) that an XDP socket needs. Each answers a descriptor or 0, or a negative error number. */
export class Bpf {
  /** What the verifier said about the program that was not accepted: its last lines. */
  log = '';
  readonly #calls: Syscalls;
  readonly #attributes: NativeMemory;

  constructor(calls: Syscalls) {
    this.#calls = calls;
    this.#attributes = calls.allocate(ATTRIBUTE_BYTES);
  }

  createMap(type: number, keyBytes: number, valueBytes: number, entries: number): number {
    const { words } = this.#clear();
    words.set([type, keyBytes, valueBytes, entries]);
    return this.#call(MAP_CREATE);
  }

  update(map: number, key: Uint8Array, value: number): number {
    const [keyMemory, valueMemory] = [this.#calls.allocate(key.length), this.#calls.allocate(4)];
    keyMemory.bytes.set(key);
    valueMemory.words[0] = value;
    const attributes = this.#clear();
    attributes.words[0] = map;
    attributes.setPointer(8, keyMemory.address);
    attributes.setPointer(16, valueMemory.address);
    return this.#call(MAP_UPDATE);
  }

  loadXdp(program: Uint8Array, license: string): number {
    const code = this.#calls.allocate(program.length);
    code.bytes.set(program);
    const text = this.#calls.allocate(license.length + 1);
    text.bytes.set(new TextEncoder().encode(license));
    const log = this.#calls.allocate(LOG_BYTES);
    const attributes = this.#clear();
    attributes.words[0] = PROG_TYPE_XDP;
    attributes.words[1] = program.length / EBPF_INSTRUCTION_BYTES;
    attributes.setPointer(8, code.address);
    attributes.setPointer(16, text.address);
    attributes.words[6] = 1;
    attributes.words[7] = LOG_BYTES;
    attributes.setPointer(32, log.address);
    attributes.words[17] = ATTACH_XDP;
    const result = this.#call(PROG_LOAD);
    this.log = result < 0 ? lastLines(log.bytes) : '';
    return result;
  }

  /** The program stays attached as long as the answered descriptor is open. @param flags XDP_FLAGS_*. */
  attachXdp(program: number, ifindex: number, flags: number): number {
    const { words } = this.#clear();
    words.set([program, ifindex, ATTACH_XDP, flags]);
    return this.#call(LINK_CREATE);
  }

  #clear(): NativeMemory {
    this.#attributes.bytes.fill(0);
    return this.#attributes;
  }

  #call(command: number): number {
    return this.#calls.bpf(command, this.#attributes, ATTRIBUTE_BYTES);
  }
}

function lastLines(log: Uint8Array): string {
  const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
  return text.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join(' | ');
}
