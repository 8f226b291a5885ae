import { type ByteOrder, concat, u16, u32, uint } from './bytes.ts';

/** Blocks of pcapng as a test writes them down. */
export class Blocks {
  readonly order: ByteOrder;

  constructor(order: ByteOrder = 'little') {
    this.order = order;
  }

  block(
    type: number,
    body: ArrayLike<number>,
    lengths: { total?: number; trailer?: number } = {},
  ): Uint8Array {
    const padding = new Uint8Array(-body.length & 3);
    const whole = 12 + body.length + padding.length;
    const { total = whole, trailer = total } = lengths;
    return concat(this.u32(type), this.u32(total), body, padding, this.u32(trailer));
  }

  section(version: readonly [number, number] = [1, 0], options: ArrayLike<number> = []): Uint8Array {
    const body = concat(
      this.u32(0x1a2b3c4d),
      this.u16(version[0]),
      this.u16(version[1]),
      uint(8, -1n, this.order),
      options,
    );
    return this.block(0x0a0d0d0a, body);
  }

  option(code: number, value: ArrayLike<number>): Uint8Array {
    return concat(this.u16(code), this.u16(value.length), value, new Uint8Array(-value.length & 3));
  }

  interface(linkType: number, snapLength: number, ...options: Uint8Array[]): Uint8Array {
    return this.block(1, concat(this.u16(linkType), this.u16(0), this.u32(snapLength), ...options));
  }

  resolution(value: number): Uint8Array {
    return this.option(9, [value]);
  }

  timeOffset(seconds: bigint): Uint8Array {
    return this.option(14, uint(8, seconds, this.order));
  }

  packet(
    interfaceId: number,
    time: bigint,
    data: Uint8Array,
    more: { original?: number; captured?: number; options?: ArrayLike<number> } = {},
  ): Uint8Array {
    const { original = data.length, captured = data.length, options = [] } = more;
    const padding = new Uint8Array(-data.length & 3);
    return this.block(
      6,
      concat(
        this.u32(interfaceId),
        this.#time(time),
        this.u32(captured),
        this.u32(original),
        data,
        padding,
        options,
      ),
    );
  }

  oldPacket(interfaceId: number, time: bigint, data: Uint8Array, original: number = data.length): Uint8Array {
    return this.block(
      2,
      concat(
        this.u16(interfaceId),
        this.u16(0xffff),
        this.#time(time),
        this.u32(data.length),
        this.u32(original),
        data,
      ),
    );
  }

  simplePacket(original: number, data: Uint8Array): Uint8Array {
    return this.block(3, concat(this.u32(original), data));
  }

  u16(value: number): number[] {
    return u16(value, this.order);
  }

  u32(value: number): number[] {
    return u32(value, this.order);
  }

  /** High half first in both orders. */
  #time(time: bigint): number[] {
    const count = BigInt.asUintN(64, time);
    return [...this.u32(Number(count >> 32n)), ...this.u32(Number(count & 0xffffffffn))];
  }
}
