import { crc32c } from '../binary/crc32c.ts';
import { MdxError } from '../errors.ts';
import { BLOCK_CONTENT_MAX, BLOCK_PLAIN_MAX, BlockCodec } from './compressed-block.ts';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC,
  BLOCKS_MAX,
  TABLE_ENTRY_BYTES,
  TABLE_HEAD_BYTES,
  TABLE_MAGIC,
  TABLE_TAIL_BYTES,
} from './compressed-file.ts';
import type { Disk, DiskFile } from './disk.ts';
import { getU64 } from './frame.ts';

/** zstd adds little to what it cannot make smaller. */
const PACKED_MAX: number = BLOCK_CONTENT_MAX + (BLOCK_CONTENT_MAX >> 6) + 1024;

/** A block of the file: where its frames stand in the plain segment, and where it stands itself. */
interface Place {
  readonly plainAt: number;
  readonly at: number;
}

interface BlockHeader {
  readonly plainAt: number;
  readonly plainBytes: number;
  readonly contentBytes: number;
  readonly packedBytes: number;
  readonly packedCrc: number;
}

/** The plain bytes that a compressed segment stands for; the block that was read last is kept. */
export class CompressedBytes {
  readonly bytes: number;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #places: readonly Place[];
  readonly #codec: BlockCodec;
  readonly #header: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(BLOCK_HEADER_BYTES));
  readonly #plain: Uint8Array<ArrayBuffer>;
  #block = -1;
  #plainBytes = 0;

  constructor(disk: Disk, path: string) {
    this.#path = path;
    this.#file = disk.open(path, 'read');
    try {
      const table = this.#readTable() ?? this.#walk();
      this.#places = table.places;
      this.bytes = table.bytes;
      const largest = largestOf(table.places, table.bytes);
      this.#codec = new BlockCodec(largest);
      this.#plain = new Uint8Array(largest);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  read(into: Uint8Array, offset: number): number {
    let done = 0;
    while (done < into.length && offset + done < this.bytes) {
      const block = this.#find(offset + done);
      if (block !== this.#block) this.#load(block);
      const from = offset + done - this.#places[block]!.plainAt;
      const count = Math.min(into.length - done, this.#plainBytes - from);
      into.set(this.#plain.subarray(from, from + count), done);
      done += count;
    }
    return done;
  }

  close(): void {
    this.#file.close();
  }

  /** The last block that begins at `offset` or in front of it. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#places[middle]!.plainAt <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #load(block: number): void {
    const { plainAt, at } = this.#places[block]!;
    const header = this.#readHeader(at);
    const end = this.#places[block + 1]?.plainAt ?? this.bytes;
    if (
      header === null ||
      header.plainAt !== plainAt ||
      plainAt + header.plainBytes !== end ||
      header.plainBytes > this.#plain.length
    ) {
      throw this.#damaged(at, 'is not the one that has to stand there');
    }
    const packed = new Uint8Array(header.packedBytes);
    if (this.#file.read(packed, at + BLOCK_HEADER_BYTES) < packed.length) {
      throw this.#damaged(at, 'is cut off');
    }
    if (crc32c(new DataView(packed.buffer), 0, packed.length) !== header.packedCrc) {
      throw this.#damaged(at, 'has another sum than its header says');
    }
    this.#block = -1;
    if (!this.#codec.unpack(packed, header.contentBytes, this.#plain.subarray(0, header.plainBytes))) {
      throw this.#damaged(at, 'does not stand for frames');
    }
    this.#block = block;
    this.#plainBytes = header.plainBytes;
  }

  /** The header of a block at `at`; null where there is none. */
  #readHeader(at: number): BlockHeader | null {
    const view = this.#header;
    if (this.#file.read(new Uint8Array(view.buffer), at) < BLOCK_HEADER_BYTES) return null;
    if (view.getInt32(8, true) !== BLOCK_MAGIC) return null;
    if (crc32c(view, 16, BLOCK_HEADER_BYTES - 16) !== view.getInt32(12, true)) return null;
    const plainBytes = view.getUint32(24, true);
    const contentBytes = view.getUint32(28, true);
    const packedBytes = view.getUint32(32, true);
    if (plainBytes === 0 || plainBytes > BLOCK_PLAIN_MAX || contentBytes > BLOCK_CONTENT_MAX) return null;
    if (packedBytes > Math.min(PACKED_MAX, this.#file.bytes - at - BLOCK_HEADER_BYTES)) return null;
    return {
      plainAt: getU64(view, 16),
      plainBytes,
      contentBytes,
      packedBytes,
      packedCrc: view.getInt32(36, true),
    };
  }

  #readTable(): { readonly places: Place[]; readonly bytes: number } | null {
    const size = this.#file.bytes;
    const tail = new DataView(new ArrayBuffer(TABLE_TAIL_BYTES));
    if (size < TABLE_HEAD_BYTES + TABLE_TAIL_BYTES) return null;
    this.#file.read(new Uint8Array(tail.buffer), size - TABLE_TAIL_BYTES);
    const bytes = tail.getUint32(0, true);
    const blocks = (bytes - TABLE_HEAD_BYTES - TABLE_TAIL_BYTES) / TABLE_ENTRY_BYTES;
    if (tail.getInt32(4, true) !== TABLE_MAGIC || bytes > size) return null;
    if (!Number.isInteger(blocks) || blocks < 0 || blocks > BLOCKS_MAX) return null;
    const view = new DataView(new ArrayBuffer(bytes));
    this.#file.read(new Uint8Array(view.buffer), size - bytes);
    if (view.getInt32(8, true) !== TABLE_MAGIC || view.getUint32(24, true) !== blocks) return null;
    if (crc32c(view, 16, bytes - 16) !== view.getInt32(12, true)) return null;
    const places: Place[] = [];
    for (let at = TABLE_HEAD_BYTES; at < bytes - TABLE_TAIL_BYTES; at += TABLE_ENTRY_BYTES) {
      const place = { plainAt: getU64(view, at), at: getU64(view, at + 8) };
      const before = places.at(-1)?.plainAt ?? -1;
      if (place.plainAt <= before || (before < 0 && place.plainAt !== 0)) return null;
      places.push(place);
    }
    const plain = getU64(view, 16);
    return plain > (places.at(-1)?.plainAt ?? -1) ? { places, bytes: plain } : null;
  }

  /** The blocks one behind the other, as far as they go. */
  #walk(): { readonly places: Place[]; readonly bytes: number } {
    const places: Place[] = [];
    let bytes = 0;
    let at = 0;
    while (at < this.#file.bytes) {
      const header = this.#readHeader(at);
      if (header === null || header.plainAt !== bytes || places.length === BLOCKS_MAX) break;
      places.push({ plainAt: bytes, at });
      bytes += header.plainBytes;
      at += BLOCK_HEADER_BYTES + header.packedBytes;
    }
    if (places.length === 0) throw this.#damaged(0, 'is none of a compressed segment');
    return { places, bytes };
  }

  #damaged(at: number, problem: string): MdxError {
    return new MdxError('input-damaged', `reading ${this.#path}: the block at byte ${at} ${problem}`);
  }
}

/** Plain bytes of the largest block; no more than one may have. */
function largestOf(places: readonly Place[], bytes: number): number {
  let largest = 0;
  for (const [index, { plainAt }] of places.entries()) {
    largest = Math.max(largest, (places[index + 1]?.plainAt ?? bytes) - plainAt);
  }
  return Math.min(largest, BLOCK_PLAIN_MAX);
}
