import { readSync } from 'node:fs';
import { digest32 } from '../../binary/digest.ts';
import type { TransportReader } from '../../feeds/feed.ts';
import type { PacketStore } from '../../net/recovery/store.ts';
import { Datagram } from '../../packet/datagram.ts';

const FIRST_CAPACITY = 1024;
const PAYLOAD_BYTES_MAX = 65535;

/** What one session of the index has. */
export interface IndexedSession {
  readonly session: string | null;
  readonly first: number;
  readonly last: number;
  readonly messages: number;
  /** Ranges between first and last that are not there, both ends in; the first thousand of them. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  readonly gapCount: number;
  readonly packets: number;
}

const GAPS_LISTED_MAX = 1000;

/**
 * Where in capture files the packets with numbers stand: 37 bytes per packet are held, and no packet. After `seal` it is
 * a store: for every number one piece of one packet, the first that was seen of it.
 */
export class PacketIndex implements PacketStore {
  /** Packets that are there twice, and such whose bytes differ from those of another with the same numbers. */
  duplicates = 0;
  conflicts = 0;
  first = 0;
  count = 0;
  newest = -1;
  readonly sessions: IndexedSession[] = [];
  readonly #reader: TransportReader;
  readonly #datagram: Datagram = new Datagram();
  readonly #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(PAYLOAD_BYTES_MAX);
  #size = 0;
  #session: Int32Array = new Int32Array(FIRST_CAPACITY);
  #first: Float64Array = new Float64Array(FIRST_CAPACITY);
  /** Messages of the packet, and how many of them stand in front of the piece. */
  #count: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  #skip: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  #file: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  #offset: Float64Array = new Float64Array(FIRST_CAPACITY);
  #length: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  #digest: Int32Array = new Int32Array(FIRST_CAPACITY);
  /** Pieces in order: sessions in order of first sight, numbers rising. */
  #order: Uint32Array = new Uint32Array(0);
  /** Per session the bounds of its pieces in `#order`. */
  readonly #starts: number[] = [];
  readonly #numbers: number[] = [];
  readonly #files: number[] = [];

  constructor(reader: TransportReader) {
    this.#reader = reader;
  }

  get headerBytes(): number {
    return this.#reader.headerBytes;
  }

  /** Packets in it. */
  get packets(): number {
    return this.#order.length;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#first.length * 33 + this.#order.length * 4;
  }

  /** A file that packets stand in; it stays open, and belongs to the caller. */
  addFile(fd: number): void {
    this.#files.push(fd);
  }

  /**
   * Adds a packet of the last file, of which the reader has read the header.
   * @param offset of its first byte in the file.
   */
  add(datagram: Datagram, offset: number): void {
    if (this.#size === this.#first.length) this.#grow();
    const at = this.#size;
    this.#session[at] = this.#reader.session;
    this.#first[at] = this.#reader.first;
    this.#count[at] = this.#reader.count;
    this.#file[at] = this.#files.length - 1;
    this.#offset[at] = offset;
    this.#length[at] = datagram.length;
    this.#digest[at] = digest32(datagram.view, datagram.offset, datagram.length);
    this.#size += 1;
  }

  /** All packets are in: sorts them, and leaves one piece for every number. */
  seal(): void {
    const order = Uint32Array.from({ length: this.#size }, (_, at) => at);
    const session = this.#session;
    const first = this.#first;
    if (!this.#isSorted()) {
      order.sort((a, b) => session[a]! - session[b]! || first[a]! - first[b]! || a - b);
    }
    let kept = 0;
    let next = 0;
    let current = -1;
    let previous = -1;
    for (const at of order) {
      if (session[at] !== current) {
        current = session[at]!;
        next = 0;
        this.#starts.push(kept);
        this.#numbers.push(current);
      } else if (first[at] === first[previous] && this.#count[at] === this.#count[previous]) {
        if (this.#digest[at] !== this.#digest[previous]) this.conflicts += 1;
      }
      previous = at;
      const end = first[at]! + this.#count[at]!;
      if (end <= next) {
        this.duplicates += 1;
        continue;
      }
      this.#skip[at] = Math.max(0, next - first[at]!);
      next = end;
      order[kept] = at;
      kept += 1;
    }
    this.#starts.push(kept);
    this.#order = order.slice(0, kept);
    // The session that was seen last begins last.
    this.newest = this.#size === 0 ? -1 : this.#numbers.indexOf(session[this.#size - 1]!);
    for (let index = 0; index < this.#numbers.length; index += 1) this.sessions.push(this.#describe(index));
  }

  sessionOf(id: Uint8Array | null): number {
    const { sessionOf } = this.#reader;
    if (sessionOf === undefined) return this.newest;
    return this.#numbers.indexOf(id === null ? 0 : sessionOf.call(this.#reader, id));
  }

  find(session: number, number: number): number {
    let low = this.#starts[session]!;
    const end = this.#starts[session + 1]!;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#order[middle]!;
      if (this.#first[at]! + this.#count[at]! <= number) low = middle + 1;
      else high = middle;
    }
    return low < end ? low : -1;
  }

  next(piece: number): number {
    return this.#starts.includes(piece + 1) ? -1 : piece + 1;
  }

  read(piece: number, first: number, last: number, into: Uint8Array): number {
    const at = this.#order[piece]!;
    const start = this.#first[at]!;
    const from = Math.max(first, start + this.#skip[at]!);
    const to = Math.min(last + 1, start + this.#count[at]!);
    this.first = from;
    this.count = Math.max(0, to - from);
    if (from >= to) return 0;
    const length = this.#length[at]!;
    const datagram = this.#datagram;
    if (datagram.bytes !== this.#bytes) datagram.attach(this.#bytes);
    const got = readSync(this.#files[this.#file[at]!]!, this.#bytes, 0, length, this.#offset[at]!);
    datagram.length = length;
    const reader = this.#reader;
    // The file may have changed under us: only what still is that packet is sent.
    if (got < length || digest32(datagram.view, 0, length) !== this.#digest[at]) return 0;
    if (reader.cut === undefined || this.count === this.#count[at]) {
      into.set(this.#bytes.subarray(0, length));
      return length;
    }
    return reader.cut(datagram, start, from - start, this.count, into);
  }

  #describe(index: number): IndexedSession {
    const gaps: { from: number; to: number }[] = [];
    let gapCount = 0;
    let messages = 0;
    let next = -1;
    const start = this.#starts[index]!;
    const end = this.#starts[index + 1]!;
    for (let piece = start; piece < end; piece += 1) {
      const at = this.#order[piece]!;
      const from = this.#first[at]! + this.#skip[at]!;
      if (next >= 0 && from > next) {
        gapCount += 1;
        if (gaps.length < GAPS_LISTED_MAX) gaps.push({ from: next, to: from - 1 });
      }
      next = this.#first[at]! + this.#count[at]!;
      messages += next - from;
    }
    const first = this.#first[this.#order[start]!]!;
    const session = this.#reader.sessionText(this.#numbers[index]!);
    return { session, first, last: next - 1, messages, gaps, gapCount, packets: end - start };
  }

  #isSorted(): boolean {
    for (let at = 1; at < this.#size; at += 1) {
      const step = this.#session[at]! - this.#session[at - 1]!;
      if (step < 0 || (step === 0 && this.#first[at]! < this.#first[at - 1]!)) return false;
    }
    return true;
  }

  #grow(): void {
    const capacity = this.#first.length * 2;
    this.#session = moved(this.#session, new Int32Array(capacity));
    this.#first = moved(this.#first, new Float64Array(capacity));
    this.#count = moved(this.#count, new Uint16Array(capacity));
    this.#skip = new Uint16Array(capacity);
    this.#file = moved(this.#file, new Uint16Array(capacity));
    this.#offset = moved(this.#offset, new Float64Array(capacity));
    this.#length = moved(this.#length, new Uint16Array(capacity));
    this.#digest = moved(this.#digest, new Int32Array(capacity));
  }
}

function moved<T extends Int32Array | Float64Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
