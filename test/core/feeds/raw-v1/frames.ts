/** Frames as a test writes them down, from the description of the format alone. */

export interface Numbers {
  readonly instrument?: bigint;
  readonly sequence?: bigint;
  readonly cursor?: bigint;
  readonly time?: bigint;
  /** Write the header of 40 bytes, which has no cursor. */
  readonly old?: boolean;
}

export function frame(type: number, payload: Buffer, numbers: Numbers = {}): Buffer {
  const { instrument = 0n, sequence = 0n, cursor = 0n, time = 1_000n, old = false } = numbers;
  const header = Buffer.alloc(old ? 40 : 48);
  header.write('OBv1', 'latin1');
  header[4] = 1;
  header.writeUInt16LE(type, 6);
  header.writeBigUInt64LE(instrument, 12);
  header.writeBigUInt64LE(sequence, 20);
  if (!old) header.writeBigUInt64LE(cursor, 28);
  header.writeBigUInt64LE(time, old ? 28 : 36);
  header.writeUInt32LE(payload.length, old ? 36 : 44);
  return Buffer.concat([header, payload]);
}

export function add(
  numbers: Numbers,
  id: bigint,
  price: bigint,
  quantity: bigint,
  ask: boolean = false,
): Buffer {
  return frame(100, Buffer.concat([u64(id), i64(price), u64(quantity), Buffer.of(ask ? 1 : 0, 0)]), numbers);
}

/** @param price null: the quantity only. */
export function modify(numbers: Numbers, id: bigint, price: bigint | null, quantity: bigint): Buffer {
  const flags = Buffer.of(price === null ? 1 : 0);
  return frame(101, Buffer.concat([u64(id), i64(price ?? 0n), u64(quantity), flags]), numbers);
}

export function cancel(numbers: Numbers, id: bigint, quantity: bigint = 0n, reason: number = 0): Buffer {
  return frame(102, Buffer.concat([u64(id), u64(quantity), Buffer.of(reason)]), numbers);
}

export function execute(
  numbers: Numbers,
  maker: bigint,
  quantity: bigint,
  price: bigint,
  aggressor: number = 0,
  match: bigint = 0n,
): Buffer {
  const payload = [u64(maker), u64(quantity), i64(price), Buffer.of(aggressor), u64(match)];
  return frame(103, Buffer.concat(payload), numbers);
}

export function gap(from: bigint, to: bigint, numbers: Numbers = {}): Buffer {
  return frame(2, Buffer.concat([u64(from), u64(to)]), numbers);
}

export interface Control {
  readonly epoch: bigint;
  /** Of the live frame that comes next. */
  readonly next: bigint;
  readonly priceScale?: number;
  readonly quantityScale?: number;
}

/** 1 heartbeat, 3 start, 4 end of a snapshot; without `control` as older servers send it. */
export function control(type: 1 | 3 | 4, said: Control | null = null, numbers: Numbers = {}): Buffer {
  if (said === null) return frame(type, Buffer.alloc(0), numbers);
  const scales = Buffer.of(0, 0, 0, 0, 0, said.priceScale ?? 8, said.quantityScale ?? 0, 0);
  return frame(type, Buffer.concat([u64(said.epoch), u64(said.next), scales]), numbers);
}

export interface Described {
  readonly sequence: bigint;
  readonly venue: bigint;
  readonly publisher?: number;
  readonly priceScale?: number;
  readonly quantityScale?: number;
  readonly flags?: number;
  readonly symbol?: string;
}

export function snapshotHeader(
  orders: number,
  instrument: bigint = 0n,
  said: Described | null = null,
): Buffer {
  const counts = Buffer.alloc(8);
  counts.writeUInt32LE(orders, 4);
  if (said === null) return frame(104, counts, { instrument });
  const symbol = Buffer.from(said.symbol ?? '');
  const publisher = said.publisher ?? 0;
  const rest = Buffer.of(
    publisher & 255,
    publisher >> 8,
    said.priceScale ?? 8,
    said.quantityScale ?? 0,
    said.flags ?? 0,
    symbol.length,
  );
  const payload = Buffer.concat([counts, u64(said.sequence), u64(said.venue), rest, symbol]);
  return frame(104, payload, { instrument });
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
