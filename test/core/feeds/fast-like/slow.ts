/**
 * The format once more, plain and slow, on BigInt and arrays: what the decoder is compared with. Shares nothing
 * with it.
 */

/** What a message says, in the words of the format. */
export type SlowMessage =
  | {
      readonly template: 1;
      readonly id: bigint;
      readonly instrument: bigint;
      readonly side: number;
      readonly price: bigint;
      readonly quantity: bigint;
    }
  | { readonly template: 2; readonly id: bigint; readonly quantity: bigint }
  | { readonly template: 3; readonly id: bigint }
  | {
      readonly template: 4;
      readonly instrument: bigint;
      readonly price: bigint;
      readonly quantity: bigint;
      readonly maker: bigint | null;
      readonly taker: number | null;
    };

export interface SlowPacket {
  /** Null: the datagram is too short to have one, or it is beyond 2^53 − 1. */
  readonly number: bigint | null;
  readonly messages: readonly (SlowMessage | 'unknown' | 'malformed')[];
  /** Where the framing ends to make sense; null = it does to the end. */
  readonly damage: number | null;
}

class End extends Error {}

class Cursor {
  readonly bytes: readonly number[];
  at = 0;

  constructor(bytes: readonly number[]) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new End();
    this.at += 1;
    return value;
  }

  varint(): bigint {
    let value = 0n;
    for (let index = 0n; index < 10n; index += 1n) {
      const byte = BigInt(this.byte());
      value += (byte % 128n) * 128n ** index;
      if (byte < 128n) {
        if (value >= 2n ** 64n) throw new End();
        return value;
      }
    }
    throw new End();
  }

  zigzag(): bigint {
    const value = this.varint();
    return value % 2n === 0n ? value / 2n : -((value + 1n) / 2n);
  }

  presence(): number {
    const first = this.byte();
    let byte = first;
    for (let read = 1; byte >= 128 && read < 9; read += 1) byte = this.byte();
    return first;
  }
}

export function slowPacket(payload: Uint8Array): SlowPacket {
  if (payload.length < 8) return { number: null, messages: [], damage: payload.length };
  const number = Buffer.from(payload).readBigUInt64BE();
  if (number >= 2n ** 53n) return { number: null, messages: [], damage: 0 };
  const cursor = new Cursor([...payload]);
  cursor.at = 8;
  const messages: (SlowMessage | 'unknown' | 'malformed')[] = [];
  while (cursor.at < payload.length) {
    const start = cursor.at;
    try {
      const presence = cursor.presence();
      const template = cursor.varint();
      const length = cursor.varint();
      if (length > BigInt(payload.length - cursor.at)) throw new End();
      const body = cursor.bytes.slice(cursor.at, cursor.at + Number(length));
      cursor.at += Number(length);
      messages.push(slowMessage(template, presence, new Cursor(body)));
    } catch (error) {
      if (!(error instanceof End)) throw error;
      return { number, messages, damage: start };
    }
  }
  return { number, messages, damage: null };
}

function slowMessage(
  template: bigint,
  presence: number,
  body: Cursor,
): SlowMessage | 'unknown' | 'malformed' {
  try {
    switch (template) {
      case 1n:
        return {
          template: 1,
          id: body.varint(),
          instrument: body.varint() % 2n ** 32n,
          side: body.byte(),
          price: body.zigzag(),
          quantity: body.zigzag(),
        };
      case 2n:
        return { template: 2, id: body.varint(), quantity: body.zigzag() };
      case 3n:
        return { template: 3, id: body.varint() };
      case 4n:
        return {
          template: 4,
          instrument: body.varint() % 2n ** 32n,
          price: body.zigzag(),
          quantity: body.zigzag(),
          maker: presence % 2 === 1 ? body.varint() : null,
          taker: Math.floor(presence / 2) % 2 === 1 ? body.byte() : null,
        };
      default:
        return 'unknown';
    }
  } catch (error) {
    if (!(error instanceof End)) throw error;
    return 'malformed';
  }
}

/** Bytes of a varint, made as long as `bytes` with needless ones. */
export function slowVarint(value: bigint, bytes = 1): number[] {
  const groups: number[] = [];
  for (let left = value; left > 0n; left /= 128n) groups.push(Number(left % 128n));
  while (groups.length < bytes) groups.push(0);
  return groups.map((group, index) => (index < groups.length - 1 ? group + 128 : group));
}

/** `{presence, template, length, body}` from its parts. */
export function slowFrame(presence: readonly number[], template: bigint, body: readonly number[]): number[] {
  return [...presence, ...slowVarint(template), ...slowVarint(BigInt(body.length)), ...body];
}

export function slowZigzag(value: bigint): number[] {
  return slowVarint(value < 0n ? -2n * value - 1n : 2n * value);
}

/** A message as its bytes. */
export function slowBytes(message: SlowMessage): number[] {
  switch (message.template) {
    case 1:
      return slowFrame([0], 1n, [
        ...slowVarint(message.id),
        ...slowVarint(message.instrument),
        message.side,
        ...slowZigzag(message.price),
        ...slowZigzag(message.quantity),
      ]);
    case 2:
      return slowFrame([0], 2n, [...slowVarint(message.id), ...slowZigzag(message.quantity)]);
    case 3:
      return slowFrame([0], 3n, slowVarint(message.id));
    default: {
      const { maker, taker } = message;
      const presence = (maker === null ? 0 : 1) + (taker === null ? 0 : 2);
      return slowFrame([presence], 4n, [
        ...slowVarint(message.instrument),
        ...slowZigzag(message.price),
        ...slowZigzag(message.quantity),
        ...(maker === null ? [] : slowVarint(maker)),
        ...(taker === null ? [] : [taker]),
      ]);
    }
  }
}

/** A packet from messages that are bytes already. */
export function slowPacketBytes(number: bigint, messages: readonly (readonly number[])[]): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(number);
  return Uint8Array.from([...head, ...messages.flat()]);
}
