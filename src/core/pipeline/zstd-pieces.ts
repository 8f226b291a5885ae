import type { Transform } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { ByteWindow } from '../binary/byte-window.ts';
import { PIECE_BAD, PIECE_MORE, type Pieces } from './decompressor.ts';

const MAGIC_FRAME = 0xfd2fb528 | 0;
const MAGIC_SKIPPABLE = 0x184d2a50;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
/** Largest block, compressed or not (RFC 8878 §3.1.1.2.4). */
const BLOCK_BYTES_MAX = 131072;
const CHECKSUM_BYTES = 4;

/** By the two low bits of the frame descriptor, and by its two high bits. */
const DICTIONARY_ID_BYTES: readonly number[] = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES: readonly number[] = [0, 2, 4, 8];

/** What comes next. */
const AT_FRAME = 0;
const AT_BLOCK = 1;
const AT_CHECKSUM = 2;

export function isZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = new DataView(head.buffer, head.byteOffset).getInt32(0, true);
  return magic === MAGIC_FRAME || isSkippable(magic);
}

function isSkippable(magic: number): boolean {
  return (magic & ~15) === MAGIC_SKIPPABLE;
}

/**
 * zstd (RFC 8878), cut into frame headers, blocks and checksums:
 *
 *     frame       u32 magic · u8 descriptor · [u8 window] · [dictionary id] · [content size] · blocks · [u32 checksum]
 *     descriptor  bits 0–1 dictionary id size · 2 checksum · 5 single segment (no window byte) · 6–7 content size
 *     block       u24: bit 0 last · 1–2 raw, run, compressed · 3–23 size · the bytes (a run has one)
 *     skippable   u32 magic 184d2a5x · u32 size · the bytes
 *
 * Frames are told apart here because the codec of Node 22 and 24 reads one frame and no more.
 */
export class ZstdPieces implements Pieces {
  readonly format = 'zstd';
  problem = '';
  skip = 0;
  endsStream = false;
  #at = AT_FRAME;
  #hasChecksum = false;

  get isBetween(): boolean {
    return this.#at === AT_FRAME;
  }

  next(window: ByteWindow): number {
    this.endsStream = false;
    if (this.#at === AT_FRAME) return this.#frame(window);
    return this.#at === AT_BLOCK ? this.#block(window) : this.#checksum(window);
  }

  createCodec(): Transform {
    return createZstdDecompress({ chunkSize: BLOCK_BYTES_MAX });
  }

  decoded(): void {
    // The codec checks the content itself.
  }

  codecEnded(): void {
    // Its end is known from the blocks.
  }

  #frame(window: ByteWindow): number {
    const { view, position, available } = window;
    if (available < 5) return PIECE_MORE;
    const magic = view.getInt32(position, true);
    if (isSkippable(magic)) {
      if (available < 8) return PIECE_MORE;
      this.skip = 8 + view.getUint32(position + 4, true);
      return PIECE_MORE;
    }
    if (magic !== MAGIC_FRAME) return this.#bad('neither a frame nor a skippable frame begins here');
    const descriptor = view.getUint8(position + 4);
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeBytes = CONTENT_SIZE_BYTES[descriptor >>> 6]!;
    const length =
      5 +
      (isSingleSegment ? 0 : 1) +
      DICTIONARY_ID_BYTES[descriptor & 3]! +
      (isSingleSegment && sizeBytes === 0 ? 1 : sizeBytes);
    if (available < length) return PIECE_MORE;
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#at = AT_BLOCK;
    return length;
  }

  #block(window: ByteWindow): number {
    const { view, position, available } = window;
    if (available < BLOCK_HEADER_BYTES) return PIECE_MORE;
    const header = view.getUint16(position, true) | (view.getUint8(position + 2) << 16);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === BLOCK_RESERVED) return this.#bad('a block of the reserved type');
    if (size > BLOCK_BYTES_MAX)
      return this.#bad(`a block of ${size} bytes, at most ${BLOCK_BYTES_MAX} are possible`);
    const length = BLOCK_HEADER_BYTES + (type === BLOCK_RLE ? 1 : size);
    if (available < length) return PIECE_MORE;
    if (header & 1) {
      this.#at = this.#hasChecksum ? AT_CHECKSUM : AT_FRAME;
      this.endsStream = !this.#hasChecksum;
    }
    return length;
  }

  #checksum(window: ByteWindow): number {
    if (window.available < CHECKSUM_BYTES) return PIECE_MORE;
    this.#at = AT_FRAME;
    this.endsStream = true;
    return CHECKSUM_BYTES;
  }

  #bad(problem: string): number {
    this.problem = problem;
    return PIECE_BAD;
  }
}
