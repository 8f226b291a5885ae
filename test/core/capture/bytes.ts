/** Bytes as a test writes them down; nothing here is shared with the code under test. */

export type ByteOrder = 'little' | 'big';

export function concat(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An unsigned number of `size` bytes. */
export function uint(size: number, value: number | bigint, order: ByteOrder): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(size * 8, BigInt(value)); bytes.length < size; rest >>= 8n) {
    bytes.push(Number(rest & 255n));
  }
  return order === 'little' ? bytes : bytes.reverse();
}

export const u16 = (value: number, order: ByteOrder = 'big'): number[] => uint(2, value, order);
export const u32 = (value: number, order: ByteOrder = 'big'): number[] => uint(4, value, order);

export function hex(text: string): number[] {
  return (text.replace(/\s/g, '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** 1, 2, 3 … : data that shows where it was cut. */
export function counting(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index + 1) & 255);
}
