import { crc32c } from '../binary/crc32c.ts';
import { BlockCodec } from './compressed-block.ts';
import { putU64 } from './frame.ts';

/*
 * `NNNNNNNN.mdxj.zst`: the plain segment in blocks of whole frames, each readable alone, then a table of them. To readers
 * of zstd it is a row of frames and of skippable frames.
 *
 *     block, 40 bytes   0 u32 184D2A5D · 4 u32 32 · 8 u32 magic MDXZ · 12 u32 CRC32C of bytes 16–39 ·
 *                       16 u64 where its first frame stands in the plain segment · 24 u32 bytes of its frames ·
 *                       28 u32 bytes of its content · 32 u32 packed bytes · 36 u32 CRC32C of the packed bytes ·
 *                       then the packed bytes: one frame of zstd (compressed-block.ts has its content)
 *     table             0 u32 184D2A5D · 4 u32 its bytes − 8 · 8 u32 magic MDXT · 12 u32 CRC32C of all behind it ·
 *                       16 u64 bytes of the plain segment · 24 u32 blocks · 28 u32 zero · per block
 *                       0 u64 where its first frame stands in the plain segment, 8 u64 where it stands here ·
 *                       u32 bytes of the table · u32 magic MDXT
 *
 * Where the table is missing or damaged the blocks are found one behind the other.
 */

const SKIPPABLE = 0x184d2a5d;
export const BLOCK_MAGIC = 0x5a58444d;
export const TABLE_MAGIC = 0x5458444d;
export const BLOCK_HEADER_BYTES = 40;
export const TABLE_HEAD_BYTES = 32;
export const TABLE_ENTRY_BYTES = 16;
export const TABLE_TAIL_BYTES = 8;
/** Blocks of one file at most, so that a table is bounded. */
export const BLOCKS_MAX: number = 1 << 20;
/** Blocks → the bytes of a file, in order. */
export class BlockFileWriter {
  readonly #codec: BlockCodec;
  /** By block, where its frames stand in the plain segment and where it stands itself. */
  readonly #places: { readonly plainAt: number; readonly at: number }[] = [];
  readonly #append: (bytes: Uint8Array) => void;
  #plainAt = 0;
  #at = 0;

  /** @param blockBytes plain bytes of a block at most. */
  constructor(append: (bytes: Uint8Array) => void, blockBytes: number) {
    this.#codec = new BlockCodec(blockBytes);
    this.#append = append;
  }

  /** Writes whole frames as the next block. */
  block(plain: Uint8Array<ArrayBuffer>): void {
    const { packed, contentBytes } = this.#codec.pack(plain);
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES + packed.length);
    const view = new DataView(bytes.buffer);
    bytes.set(packed, BLOCK_HEADER_BYTES);
    view.setUint32(0, SKIPPABLE, true);
    view.setUint32(4, BLOCK_HEADER_BYTES - 8, true);
    view.setInt32(8, BLOCK_MAGIC, true);
    putU64(view, 16, this.#plainAt);
    view.setUint32(24, plain.length, true);
    view.setUint32(28, contentBytes, true);
    view.setUint32(32, packed.length, true);
    view.setInt32(36, crc32c(view, BLOCK_HEADER_BYTES, packed.length), true);
    view.setInt32(12, crc32c(view, 16, BLOCK_HEADER_BYTES - 16), true);
    this.#places.push({ plainAt: this.#plainAt, at: this.#at });
    this.#plainAt += plain.length;
    this.#at += bytes.length;
    this.#append(bytes);
  }

  /** Writes the table. */
  finish(): void {
    const { length } = this.#places;
    const bytes = TABLE_HEAD_BYTES + length * TABLE_ENTRY_BYTES + TABLE_TAIL_BYTES;
    const view = new DataView(new ArrayBuffer(bytes));
    view.setUint32(0, SKIPPABLE, true);
    view.setUint32(4, bytes - 8, true);
    view.setInt32(8, TABLE_MAGIC, true);
    putU64(view, 16, this.#plainAt);
    view.setUint32(24, length, true);
    for (const [index, { plainAt, at }] of this.#places.entries()) {
      putU64(view, TABLE_HEAD_BYTES + index * TABLE_ENTRY_BYTES, plainAt);
      putU64(view, TABLE_HEAD_BYTES + index * TABLE_ENTRY_BYTES + 8, at);
    }
    view.setUint32(bytes - 8, bytes, true);
    view.setInt32(bytes - 4, TABLE_MAGIC, true);
    view.setInt32(12, crc32c(view, 16, bytes - 16), true);
    this.#append(new Uint8Array(view.buffer));
  }
}
