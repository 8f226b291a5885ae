import type { ByteRing } from '../../packet/byte-ring.ts';
import {
  decodeGap,
  decodeHello,
  encodeGap,
  encodeHello,
  HEAD_BYTES,
  type Hello,
  MESSAGE_BYTES_MAX,
  type TellsGap,
} from './layout.ts';
import { ENDINGS, type Ending, type IngestSink } from './sink.ts';

/*
 * What senders say, from the thread that hears them to the one that has the books, through a ring of bytes:
 *
 *     u32 length of the body | u32 what | u32 sender | body, filled up to a multiple of 4
 *
 *     what: 0 hello · 1 metadata · 2 records · 3 gap (bodies as on the wire) · 4 closed (u32 place in ENDINGS)
 */

const SAYS_HELLO = 0;
const SAYS_METADATA = 1;
const SAYS_RECORDS = 2;
const SAYS_GAP = 3;
const SAYS_CLOSED = 4;

const ENTRY_HEAD_BYTES = 12;
/** Gathered before the ring is touched. */
const BLOCK_BYTES = 262_144;
/** The consumer is looked after so often while there is no room. */
const ROOM_MS = 100;

/** Writes what senders say into a ring; while that has no room, it blocks, and nothing is read of any sender. */
export class SaidWriter implements IngestSink {
  readonly #ring: ByteRing;
  readonly #gone: () => boolean;
  readonly #block: Uint8Array = new Uint8Array(BLOCK_BYTES);
  readonly #view: DataView = new DataView(this.#block.buffer);
  #used = 0;

  /** @param gone does nobody read any more? */
  constructor(ring: ByteRing, gone: () => boolean) {
    this.#ring = ring;
    this.#gone = gone;
  }

  hello(sender: number, hello: Hello): void {
    const message = encodeHello(hello);
    this.#put(SAYS_HELLO, sender, message, HEAD_BYTES, message.length);
  }

  metadata(sender: number, bytes: Uint8Array, from: number, to: number): void {
    this.#put(SAYS_METADATA, sender, bytes, from, to);
  }

  records(sender: number, bytes: Uint8Array, from: number, to: number): void {
    this.#put(SAYS_RECORDS, sender, bytes, from, to);
  }

  gap(sender: number, gap: TellsGap): void {
    const message = encodeGap(gap);
    this.#put(SAYS_GAP, sender, message, HEAD_BYTES, message.length);
  }

  closed(sender: number, ending: Ending): void {
    this.#put(SAYS_CLOSED, sender, Uint8Array.of(ENDINGS.indexOf(ending)), 0, 1);
  }

  /** Hands over what was gathered. @returns false: there was nothing. */
  flush(): boolean {
    if (this.#used === 0) return false;
    const block = this.#block.subarray(0, this.#used);
    this.#used = 0;
    for (let from = 0; ; ) {
      from += this.#ring.put(block, from);
      if (from === block.length || this.#gone()) return true;
      this.#ring.waitForRoom(ROOM_MS);
    }
  }

  #put(what: number, sender: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const whole = ENTRY_HEAD_BYTES + padded(length);
    if (this.#used + whole > BLOCK_BYTES) this.flush();
    const at = this.#used;
    this.#view.setUint32(at, length, true);
    this.#view.setUint32(at + 4, what, true);
    this.#view.setUint32(at + 8, sender, true);
    this.#block.set(bytes.subarray(from, to), at + ENTRY_HEAD_BYTES);
    this.#used = at + whole;
  }
}

/** Reads what another thread has put into a ring. */
export class SaidReader {
  readonly #ring: ByteRing;
  readonly #bytes: Uint8Array = new Uint8Array(BLOCK_BYTES + ENTRY_HEAD_BYTES + MESSAGE_BYTES_MAX);
  readonly #view: DataView = new DataView(this.#bytes.buffer);
  #used = 0;

  constructor(ring: ByteRing) {
    this.#ring = ring;
  }

  /**
   * Hands over what is at hand, so much at a time that whoever takes it can look around.
   * @param first added to the number of each sender, times `step`. @returns bytes, 0 = there is nothing.
   */
  take(sink: IngestSink, step: number, first: number): number {
    const came = this.#ring.take(this.#bytes.subarray(this.#used));
    this.#used += came;
    let at = 0;
    while (this.#used - at >= ENTRY_HEAD_BYTES) {
      const length = this.#view.getUint32(at, true);
      const end = at + ENTRY_HEAD_BYTES + padded(length);
      if (end > this.#used) break;
      const from = at + ENTRY_HEAD_BYTES;
      this.#say(
        sink,
        this.#view.getUint32(at + 4, true),
        this.#view.getUint32(at + 8, true) * step + first,
        from,
        from + length,
      );
      at = end;
    }
    this.#bytes.copyWithin(0, at, this.#used);
    this.#used -= at;
    return came;
  }

  #say(sink: IngestSink, what: number, sender: number, from: number, to: number): void {
    const bytes = this.#bytes;
    if (what === SAYS_RECORDS) sink.records(sender, bytes, from, to);
    else if (what === SAYS_METADATA) sink.metadata(sender, bytes, from, to);
    else if (what === SAYS_HELLO) {
      const hello = decodeHello(bytes.subarray(from, to));
      if (typeof hello !== 'string') sink.hello(sender, hello);
    } else if (what === SAYS_GAP) {
      const gap = decodeGap(bytes.subarray(from, to));
      if (gap !== null) sink.gap(sender, gap);
    } else sink.closed(sender, ENDINGS[bytes[from]!]!);
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
