const TWO_32 = 4294967296;

/**
 * Memory that native code knows the address of and that therefore never moves: an ArrayBuffer of our own, or a
 * mapping. Whoever stores its address keeps a reference to it for as long as the kernel may use it.
 */
export class NativeMemory {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The whole 32-bit words of it. */
  readonly words: Int32Array;
  readonly address: number;
  /** The address as calls take it: made once, so that passing it allocates nothing. */
  readonly pointer: bigint;

  constructor(buffer: ArrayBuffer, address: number) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    this.address = address;
    this.pointer = BigInt(address);
  }

  get length(): number {
    return this.buffer.byteLength;
  }

  /** Stores an address (0 = null) as 64 bits at `at`, a multiple of 4. */
  setPointer(at: number, address: number): void {
    this.words[at >>> 2] = address;
    this.words[(at >>> 2) + 1] = Math.floor(address / TWO_32);
  }
}
