/*
 * The little of protobuf that batches need, written by hand: library encoders take 64-bit integers as objects, and lose
 * them without a word where they are given otherwise.
 */

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const VARINT_BYTES_MAX = 10;

/** Writes fields one behind the other into a buffer that is large enough. */
export class ProtoWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  used = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  byte(value: number): void {
    this.bytes[this.used] = value;
    this.used += 1;
  }

  /** A safe integer; nothing for 0, which is what is read where there is nothing. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.byte((field << 3) | WIRE_VARINT);
    this.#varint(value);
  }

  fixed64(field: number, high: number, low: number): void {
    if ((high | low) === 0) return;
    this.byte((field << 3) | WIRE_FIXED64);
    this.#view.setInt32(this.used, low, true);
    this.#view.setInt32(this.used + 4, high, true);
    this.used += 8;
  }

  data(field: number, data: Uint8Array): void {
    if (data.length === 0) return;
    this.byte((field << 3) | WIRE_BYTES);
    this.#varint(data.length);
    this.bytes.set(data, this.used);
    this.used += data.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }
}

/** Reads fields: `next` says which one comes and leaves its value in the fields. */
export class ProtoReader {
  /** Of the field that was read last. */
  field = 0;
  wire = 0;
  /** A varint; infinite where it is no safe integer. */
  value = 0;
  high = 0;
  low = 0;
  data: Uint8Array;
  /** The bytes are no protobuf message. */
  failed = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = from;
    this.data = bytes.subarray(0, 0);
  }

  /** @returns false at the end, and where the bytes cannot be read. */
  next(): boolean {
    if (this.failed || this.#at === this.#bytes.length) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (!Number.isFinite(tag) || this.field === 0) this.failed = true;
    else if (this.wire === WIRE_VARINT) this.value = this.#varint();
    else if (this.wire === WIRE_FIXED64) this.#fixed(8);
    else if (this.wire === WIRE_FIXED32) this.#fixed(4);
    else if (this.wire === WIRE_BYTES) this.#data();
    else this.failed = true;
    return !this.failed;
  }

  #fixed(length: number): void {
    if (this.#bytes.length - this.#at < length) {
      this.failed = true;
      return;
    }
    this.low = this.#view.getInt32(this.#at, true);
    this.high = length === 8 ? this.#view.getInt32(this.#at + 4, true) : 0;
    this.#at += length;
  }

  #data(): void {
    const length = this.#varint();
    if (length > this.#bytes.length - this.#at) {
      this.failed = true;
      return;
    }
    this.data = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
  }

  #varint(): number {
    let high = 0;
    let low = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      if (this.#at === this.#bytes.length) break;
      const byte = this.#bytes[this.#at]!;
      this.#at += 1;
      // 28 bits below, 36 above: both stay exact.
      if (index < 4) low += (byte & 127) * 128 ** index;
      else high += (byte & 127) * 128 ** (index - 4);
      if (byte < 128) {
        const value = high * 2 ** 28 + low;
        return value <= Number.MAX_SAFE_INTEGER ? value : Number.POSITIVE_INFINITY;
      }
    }
    this.failed = true;
    return Number.POSITIVE_INFINITY;
  }
}
