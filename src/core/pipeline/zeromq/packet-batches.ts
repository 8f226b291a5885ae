/*
 * A stream of pcapng ↔ batches that are a whole section each, so that whoever joins late can read them: its header and every
 * interface so far stand in front of the packets and records.
 */

const BLOCK_SECTION = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Packet blocks: obsolete, simple, enhanced. */
const BLOCKS_PACKET: readonly number[] = [2, 3, 6];
const BLOCK_BYTES_MIN = 12;
const SECTION_BYTES_MIN = 28;
/** A batch is made when it has so many bytes, or when what was given is at its end. */
const BATCH_BYTES = 262_144;

/** Some of a stream, in the form of a batch. */
export interface BatchPart {
  readonly payload: Uint8Array;
  /** Packets or events. */
  readonly count: number;
}

/** Cuts what one writer writes into parts that each can be read alone. */
export interface Batcher {
  readonly kind: 'packets' | 'events';
  /** @param bytes of a stream; valid only until the call ends. */
  add(bytes: Uint8Array): BatchPart[];
  /** The last part: what tells the end. */
  end(): BatchPart;
}

/** Cuts pcapng in the byte order of our writer. */
export class PacketBatcher implements Batcher {
  readonly kind = 'packets';
  /** The section header and the interfaces so far. */
  #head: Uint8Array = new Uint8Array(0);
  /** A block that is not whole yet. */
  #rest: Uint8Array = new Uint8Array(0);

  add(bytes: Uint8Array): BatchPart[] {
    const all = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const view = viewOf(all);
    const parts: BatchPart[] = [];
    let blocks: Uint8Array[] = [];
    let pending = 0;
    let count = 0;
    let at = 0;
    const cut = (): void => {
      if (pending > 0) parts.push({ payload: concat(this.#head, ...blocks), count });
      blocks = [];
      pending = 0;
      count = 0;
    };
    while (all.length - at >= BLOCK_BYTES_MIN) {
      const type = view.getInt32(at, true);
      const total = view.getUint32(at + 4, true);
      if (total < BLOCK_BYTES_MIN) throw new RangeError(`a block of ${total} bytes in what was written`);
      if (total > all.length - at) break;
      const block = all.subarray(at, at + total);
      at += total;
      if (type === BLOCK_SECTION) {
        cut();
        this.#head = new Uint8Array(block);
      } else if (type === BLOCK_INTERFACE) this.#head = concat(this.#head, block);
      else {
        blocks.push(block);
        pending += total;
        if (BLOCKS_PACKET.includes(type)) count += 1;
        if (pending >= BATCH_BYTES) cut();
      }
    }
    cut();
    // A copy, also of a Buffer: what was given is not ours.
    this.#rest = new Uint8Array(all.subarray(at));
    return parts;
  }

  end(): BatchPart {
    return { payload: this.#head, count: 0 };
  }
}

/** Joins sections of one sender to one stream: header and interfaces stand in it once. */
export class PacketJoiner {
  #head: Uint8Array | null = null;

  /** @returns what comes next of the stream; null where the payload is no whole section of ours. */
  join(payload: Uint8Array): Uint8Array | null {
    const headEnd = headEndOf(payload);
    if (headEnd === null) return null;
    const known = this.#head;
    const head = new Uint8Array(payload.subarray(0, headEnd));
    this.#head = head;
    if (known === null || !startsWith(head, known)) return payload;
    return payload.subarray(known.length);
  }
}

/** Where the interfaces behind the section header end; null where the bytes are not whole blocks of one section. */
function headEndOf(payload: Uint8Array): number | null {
  const view = viewOf(payload);
  if (payload.length < SECTION_BYTES_MIN || view.getInt32(0, true) !== BLOCK_SECTION) return null;
  if (view.getInt32(8, true) !== BYTE_ORDER_MAGIC) return null;
  let headEnd = 0;
  let isHead = true;
  for (let at = 0; at < payload.length; ) {
    if (payload.length - at < BLOCK_BYTES_MIN) return null;
    const type = view.getInt32(at, true);
    const total = view.getUint32(at + 4, true);
    if (total < BLOCK_BYTES_MIN || (total & 3) !== 0 || total > payload.length - at) return null;
    if (view.getUint32(at + total - 4, true) !== total) return null;
    if (at > 0 && type === BLOCK_SECTION) return null;
    isHead &&= at === 0 || type === BLOCK_INTERFACE;
    at += total;
    if (isHead) headEnd = at;
  }
  return headEnd;
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
