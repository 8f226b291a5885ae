import { once } from 'node:events';
import WebSocket from 'ws';

/**
 * A client of raw-v1 as its description tells it, slow and plain: it shares nothing with the programme, keeps its orders in
 * one list, and believes every frame. `RawV1Books` takes frames, `RawV1Client` brings them from a server.
 */

const TYPES: Readonly<Record<number, string>> = {
  1: 'HEARTBEAT',
  2: 'GAP',
  3: 'SNAPSHOT_START',
  4: 'SNAPSHOT_END',
  100: 'OBO_ADD',
  101: 'OBO_MODIFY',
  102: 'OBO_CANCEL',
  103: 'OBO_EXECUTE',
  104: 'SNAPSHOT_HDR',
};
/** Payloads of types that have always the same. */
const SIZES: Readonly<Record<string, number>> = {
  GAP: 16,
  OBO_ADD: 26,
  OBO_MODIFY: 25,
  OBO_CANCEL: 17,
  OBO_EXECUTE: 33,
};

export interface RawV1Frame {
  readonly type: string;
  readonly instrument: bigint;
  readonly sequence: bigint;
  /** Null in the older form of the header. */
  readonly cursor: bigint | null;
  readonly sendTime: bigint;
  readonly payload: Buffer;
}

/** Reads one frame. Throws where it is none. */
export function readFrame(bytes: Buffer): RawV1Frame {
  if (bytes.length < 40 || bytes.toString('latin1', 0, 4) !== 'OBv1') throw new Error('no frame');
  if (bytes[4] !== 1 || bytes[5] !== 0) throw new Error(`version ${bytes[4]}, codec ${bytes[5]}`);
  if (bytes.readUInt32LE(8) !== 0) throw new Error(`channel ${bytes.readUInt32LE(8)}`);
  const isNew = bytes.length >= 48 && bytes.readUInt32LE(44) === bytes.length - 48;
  if (!isNew && bytes.readUInt32LE(36) !== bytes.length - 40) throw new Error('length of the payload');
  const code = bytes.readUInt16LE(6);
  const type = TYPES[code];
  if (type === undefined) throw new Error(`type ${code}`);
  const payload = bytes.subarray(isNew ? 48 : 40);
  const size = SIZES[type];
  if (size !== undefined && payload.length !== size) throw new Error(`${type} of ${payload.length} bytes`);
  return {
    type,
    instrument: bytes.readBigUInt64LE(12),
    sequence: bytes.readBigUInt64LE(20),
    cursor: isNew ? bytes.readBigUInt64LE(28) : null,
    sendTime: bytes.readBigUInt64LE(isNew ? 36 : 28),
    payload,
  };
}

interface Order {
  readonly id: bigint;
  readonly instrument: bigint;
  readonly ask: boolean;
  price: bigint;
  quantity: bigint;
}

/** Books of frames. Earlier in the list = earlier in the queue of its price. */
export class RawV1Books {
  orders: Order[] = [];
  /** By instrument: sequence of its last live frame. */
  readonly sequences: Map<bigint, bigint> = new Map();
  /** Cursor of the next live frame, null = not known. */
  next: bigint | null = null;
  /** Live frames that were applied, and such that were there already. */
  live = 0;
  duplicates = 0;
  /** Executions without a resting order. */
  prints = 0;
  /** Changes of orders that are not there. */
  unknown = 0;
  /** Cursors that are missing, in order: first and last. */
  readonly holes: [bigint, bigint][] = [];
  /** Sequences of instruments that did not follow the one before: `instrument: expected, found`. */
  readonly skips: string[] = [];
  snapshots = 0;
  isInSnapshot = false;

  apply(bytes: Buffer): RawV1Frame {
    const frame = readFrame(bytes);
    const { type, payload, sequence } = frame;
    if (type === 'SNAPSHOT_START') {
      this.orders = [];
      this.sequences.clear();
      this.next = null;
      this.isInSnapshot = true;
    } else if (type === 'SNAPSHOT_END') {
      this.isInSnapshot = false;
      this.snapshots += 1;
    } else if (type === 'GAP') this.holes.push([payload.readBigUInt64LE(0), payload.readBigUInt64LE(8)]);
    else if (type === 'OBO_ADD' && sequence === 0n) this.#add(frame);
    else if (type.startsWith('OBO_') && this.#isNew(frame)) this.#change(frame);
    return frame;
  }

  /** The hash of all books: version 1 where every instrument has 32 bits and no publisher, else version 2. */
  hash(publisher = 0): bigint {
    const instruments = [...new Set(this.orders.map(({ instrument }) => instrument))].sort(ascending);
    const isOld = publisher === 0 && instruments.every((instrument) => instrument <= 0xffffffffn);
    const fnv = new Fnv();
    fnv.put(isOld ? 1n : 2n, 4);
    fnv.put(BigInt(instruments.length), 8);
    for (const instrument of instruments) {
      const orders = this.book(instrument);
      if (isOld) fnv.put(instrument, 4);
      else {
        fnv.put(BigInt(publisher), 2);
        fnv.put(instrument, 8);
        fnv.put(0n, 1);
      }
      fnv.put(BigInt(orders.length), 8);
      for (const order of orders) {
        fnv.put(order.id, 8);
        fnv.put(order.price, 8);
        fnv.put(order.quantity, 8);
        fnv.put(order.ask ? 2n : 1n, 1);
      }
    }
    return fnv.value;
  }

  /** Orders of an instrument: bids, then asks; without a price first, then best to worst, oldest first. */
  book(instrument: bigint): Order[] {
    const rank = ({ ask, price }: Order): bigint =>
      price === -(1n << 63n) ? price - 1n : ask ? price : -price;
    const side = (ask: boolean): Order[] =>
      this.orders
        .filter((order) => order.instrument === instrument && order.ask === ask)
        .sort((a, b) => ascending(rank(a), rank(b)));
    return [...side(false), ...side(true)];
  }

  #isNew({ instrument, sequence, cursor }: RawV1Frame): boolean {
    const last = this.sequences.get(instrument);
    if (last !== undefined && sequence <= last) {
      this.duplicates += 1;
      return false;
    }
    if (last !== undefined && sequence !== last + 1n)
      this.skips.push(`${instrument}: ${last + 1n}, ${sequence}`);
    this.sequences.set(instrument, sequence);
    if (cursor !== null) {
      if (this.next !== null && cursor > this.next) this.holes.push([this.next, cursor - 1n]);
      this.next = cursor + 1n;
    }
    this.live += 1;
    return true;
  }

  #change(frame: RawV1Frame): void {
    const { type, instrument, payload } = frame;
    const id = payload.readBigUInt64LE(0);
    if (type === 'OBO_ADD') {
      this.#add(frame);
      return;
    }
    if (type === 'OBO_EXECUTE' && id === 0n) {
      this.prints += 1;
      return;
    }
    const order = this.orders.find((each) => each.instrument === instrument && each.id === id);
    if (order === undefined) {
      this.unknown += 1;
      return;
    }
    if (type === 'OBO_MODIFY') {
      order.quantity = payload.readBigUInt64LE(16);
      if ((payload[24]! & 1) === 0) {
        order.price = payload.readBigInt64LE(8);
        this.orders.splice(this.orders.indexOf(order), 1);
        this.orders.push(order);
      }
    } else {
      const quantity = payload.readBigUInt64LE(8);
      order.quantity -= type === 'OBO_CANCEL' && quantity === 0n ? order.quantity : quantity;
    }
    if (order.quantity <= 0n) this.orders.splice(this.orders.indexOf(order), 1);
  }

  #add({ instrument, payload }: RawV1Frame): void {
    const id = payload.readBigUInt64LE(0);
    const old = this.orders.findIndex((each) => each.instrument === instrument && each.id === id);
    if (old >= 0) this.orders.splice(old, 1);
    this.orders.push({
      id,
      instrument,
      ask: payload[24] === 1,
      price: payload.readBigInt64LE(8),
      quantity: payload.readBigUInt64LE(16),
    });
  }
}

/** One connection to one endpoint; its frames go into books of its own. */
export class RawV1Client {
  readonly books: RawV1Books = new RawV1Books();
  readonly frames: RawV1Frame[] = [];
  /** The same as they came. */
  readonly bytes: Buffer[] = [];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of the close frame, once it has come. */
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket, headers: Readonly<Record<string, string | string[] | undefined>>) {
    this.#socket = socket;
    this.headers = headers;
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
  }

  /** Connects, or throws with the status and text of the refusal: `400 no such key`. */
  static async open(url: string, token: string | null = null): Promise<RawV1Client> {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    const early: Buffer[] = [];
    let take = (bytes: Buffer): void => {
      early.push(bytes);
    };
    socket.on('message', (data) => take(data as Buffer));
    let answered: Readonly<Record<string, string | string[] | undefined>> = {};
    socket.on('upgrade', (response) => {
      answered = response.headers;
    });
    const refused = new Promise<never>((_, reject) => {
      socket.on('unexpected-response', (_request, response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${text.trim()}`)));
      });
    });
    await Promise.race([once(socket, 'open'), refused]);
    const client = new RawV1Client(socket, answered);
    take = (bytes) => client.#take(bytes);
    for (const bytes of early) client.#take(bytes);
    return client;
  }

  /** Resolves when this is so, or the connection is closed. */
  async until(isSo: (client: RawV1Client) => boolean): Promise<void> {
    while (!isSo(this) && this.closed === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Takes no more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.until(() => false);
  }

  #take(bytes: Buffer): void {
    const copy = Buffer.from(bytes);
    this.bytes.push(copy);
    this.frames.push(this.books.apply(copy));
    this.#wake();
  }
}

/** A recording: each frame with its length in front. */
export function recordingOf(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(frame.length);
      return [length, frame];
    }),
  );
}

class Fnv {
  value = 0xcbf29ce484222325n;

  put(number: bigint, bytes: number): void {
    for (let at = 0; at < bytes; at += 1) {
      const byte = (BigInt.asUintN(64, number) >> BigInt(at * 8)) & 255n;
      this.value = BigInt.asUintN(64, (this.value ^ byte) * 0x100000001b3n);
    }
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
