/** raw-v1 frames as a reader of the sheet sees them: own tables, nothing of what writes them. */

export interface Frame {
  readonly type: number;
  readonly instrument: bigint;
  readonly sequence: bigint;
  readonly cursor: bigint;
  readonly payload: DataView;
}

/** The frames in WebSocket messages that lie back to back, and how many bytes are left behind the last whole one. */
export function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0x82) throw new Error(`no whole binary message at ${at}`);
    const short = bytes[at + 1]!;
    const head = short < 126 ? 2 : 4;
    const length = short < 126 ? short : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    frames.push(frameOf(bytes.subarray(at + head, at + head + length)));
    at += head + length;
  }
  return frames;
}

export function frameOf(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0x3176424f || view.getUint16(4, true) !== 1)
    throw new Error('no raw-v1 frame');
  if (view.getUint32(44, true) !== bytes.length - 48) throw new Error('wrong payload length');
  return {
    type: view.getUint16(6, true),
    instrument: view.getBigUint64(12, true),
    sequence: view.getBigUint64(20, true),
    cursor: view.getBigUint64(28, true),
    payload: new DataView(bytes.buffer, bytes.byteOffset + 48, bytes.byteLength - 48),
  };
}

interface Order {
  readonly price: bigint;
  quantity: bigint;
  readonly isAsk: boolean;
}

/** Books as a client keeps them: orders in the order in which they came. */
export class ClientBooks {
  readonly #orders: Map<bigint, Map<bigint, Order>> = new Map();

  take({ type, instrument, payload }: Frame): void {
    const orders = this.#orders.get(instrument) ?? new Map<bigint, Order>();
    this.#orders.set(instrument, orders);
    if (type < 100 || type === 104) return;
    const id = payload.getBigUint64(0, true);
    const second = payload.getBigUint64(8, true);
    if (type === 100) {
      orders.delete(id);
      const price = payload.getBigInt64(8, true);
      orders.set(id, { price, quantity: payload.getBigUint64(16, true), isAsk: payload.getUint8(24) === 1 });
      return;
    }
    const order = orders.get(id);
    if (order === undefined) return;
    if (type === 101) order.quantity = payload.getBigUint64(16, true);
    else if (type === 102) order.quantity = second === 0n ? 0n : order.quantity - second;
    else order.quantity -= second;
    if (order.quantity < 0n) throw new Error('more was taken off an order than it had');
    if (order.quantity === 0n) orders.delete(id);
  }

  /** One line per order: instrument, side, best price first, oldest first; orders without a price in front. */
  lines(): string[] {
    const lines: string[] = [];
    for (const [instrument, orders] of [...this.#orders].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      for (const isAsk of [false, true]) {
        const side = [...orders].filter(([, order]) => order.isAsk === isAsk);
        side.sort(([, a], [, b]) => (a.price === b.price ? 0 : rank(a) < rank(b) ? -1 : 1));
        for (const [id, { price, quantity }] of side) {
          lines.push(`${instrument} ${isAsk ? 'ask' : 'bid'} ${price} #${id} ${quantity}`);
        }
      }
    }
    return lines;
  }
}

function rank({ price, isAsk }: Order): bigint {
  if (price === -(1n << 63n)) return price;
  return isAsk ? price : -price;
}
