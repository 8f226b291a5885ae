import type { Transform } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import type { ByteWindow } from '../binary/byte-window.ts';
import { PIECE_BAD, PIECE_MORE, type Pieces } from './decompressor.ts';

/** Compressed bytes given to the codec at once. */
const PIECE_BYTES_MAX = 32768;
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const METHOD_DEFLATE = 8;

const FLAG_HEADER_CHECK = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;
const FLAGS_RESERVED = 0xe0;

/** What comes next. */
const AT_MEMBER = 0;
const AT_OPTIONAL = 1;
const AT_DATA = 2;
const AT_TRAILER = 3;
const AT_PADDING = 4;

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * gzip (RFC 1952), any number of members, zeros behind the last:
 *
 *     member   u8 1f · u8 8b · u8 8 · u8 flags · 6 bytes · [u16 length, extra] · [name 0] · [comment 0] · [u16 check] ·
 *              deflate data · u32 CRC-32 of the content · u32 its length modulo 2^32
 *
 * The frame around the data is read here and not by the codec, so that a wrong checksum or foreign bytes behind
 * a member cost nothing of its content.
 */
export class GzipPieces implements Pieces {
  readonly format = 'gzip';
  readonly endsStream = false;
  problem = '';
  skip = 0;
  #at = AT_MEMBER;
  /** Optional header fields still to come. */
  #flags = 0;
  #members = 0;
  #crc = 0;
  #length = 0;

  get isBetween(): boolean {
    return this.#at === AT_MEMBER || this.#at === AT_PADDING;
  }

  next(window: ByteWindow): number {
    if (this.#at === AT_MEMBER) return this.#member(window);
    if (this.#at === AT_OPTIONAL) return this.#optional(window);
    if (this.#at === AT_TRAILER) return this.#trailer(window);
    if (this.#at === AT_PADDING) return this.#padding(window);
    return window.available === 0 ? PIECE_MORE : Math.min(window.available, PIECE_BYTES_MAX);
  }

  createCodec(): Transform {
    return createInflateRaw();
  }

  decoded(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#length = (this.#length + chunk.length) >>> 0;
  }

  codecEnded(): void {
    this.#at = AT_TRAILER;
  }

  #member(window: ByteWindow): number {
    const { view, position, available } = window;
    if (this.#members > 0 && available > 0 && view.getUint8(position) === 0) {
      this.#at = AT_PADDING;
      return this.#padding(window);
    }
    if (available > 0 && view.getUint8(position) !== 0x1f) return this.#noMember();
    if (available < HEADER_BYTES) return PIECE_MORE;
    const flags = view.getUint8(position + 3);
    if (view.getUint8(position + 1) !== 0x8b) return this.#noMember();
    const method = view.getUint8(position + 2);
    if (method !== METHOD_DEFLATE) return this.#bad(`compression method ${method}, 8 is known`);
    if (flags & FLAGS_RESERVED)
      return this.#bad(`flags 0x${flags.toString(16)}, the high three bits are reserved`);
    this.#at = AT_OPTIONAL;
    this.#flags = flags;
    this.#members += 1;
    this.#crc = 0;
    this.#length = 0;
    this.skip = HEADER_BYTES;
    return PIECE_MORE;
  }

  /** Leaves out one optional field after the other; texts may come in pieces. */
  #optional(window: ByteWindow): number {
    const { bytes, view, position, limit, available } = window;
    if (this.#flags & FLAG_EXTRA) {
      if (available < 2) return PIECE_MORE;
      this.#flags &= ~FLAG_EXTRA;
      this.skip = 2 + view.getUint16(position, true);
    } else if (this.#flags & (FLAG_NAME | FLAG_COMMENT)) {
      const end = bytes.subarray(position, limit).indexOf(0);
      if (end >= 0) this.#flags &= this.#flags & FLAG_NAME ? ~FLAG_NAME : ~FLAG_COMMENT;
      this.skip = end >= 0 ? end + 1 : available;
    } else {
      this.skip = this.#flags & FLAG_HEADER_CHECK ? 2 : 0;
      this.#at = AT_DATA;
      return this.skip > 0 ? PIECE_MORE : this.next(window);
    }
    return PIECE_MORE;
  }

  #trailer(window: ByteWindow): number {
    const { view, position, available } = window;
    if (available < TRAILER_BYTES) return PIECE_MORE;
    const crc = view.getUint32(position, true);
    const length = view.getUint32(position + 4, true);
    if (crc !== this.#crc)
      return this.#bad(`the member says CRC ${hex(crc)}, its content has ${hex(this.#crc)}`);
    if (length !== this.#length)
      return this.#bad(`the member says ${length} bytes, its content has ${this.#length}`);
    this.#at = AT_MEMBER;
    this.skip = TRAILER_BYTES;
    return PIECE_MORE;
  }

  #padding(window: ByteWindow): number {
    const { bytes, position, limit } = window;
    if (bytes.subarray(position, limit).some((byte) => byte !== 0)) {
      return this.#bad('bytes that are neither a member nor padding');
    }
    this.skip = limit - position;
    return PIECE_MORE;
  }

  #noMember(): number {
    return this.#bad('no member begins here');
  }

  #bad(problem: string): number {
    this.problem = problem;
    return PIECE_BAD;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
