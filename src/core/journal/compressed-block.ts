import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { RECORD_BYTES, RECORD_WORDS } from '../event/record.ts';
import { EVENTS_HEAD_BYTES } from './event-frames.ts';
import { FRAME_CONTROL, FRAME_EVENTS, FRAME_HEADER_BYTES, FRAME_IMAGE, FRAME_MAGIC } from './frame.ts';
import { COLUMN_BYTES_MAX, RecordColumns } from './record-columns.ts';

/*
 * Content of a compressed block, which stands for whole frames:
 *
 *     0 u32 records · 4 u32 bytes of the rest · the rest: the frames without their records, one behind the other ·
 *     the records as columns
 *
 * The frames whose records are taken out are those of events and control, whose records stand behind 32 bytes, and those
 * of an image without flags, which are nothing but records.
 */

/** Frames of one block together at most; the longest frame fits. */
export const BLOCK_PLAIN_MAX: number = 1 << 21;
const CONTENT_HEAD_BYTES = 8;
/** Columns get no smaller with more effort. */
const EFFORT = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Content of one block at most. */
export const BLOCK_CONTENT_MAX: number = contentMax(BLOCK_PLAIN_MAX);

/** Whole frames → compressed bytes and back, block by block. */
export class BlockCodec {
  readonly #recordsMax: number;
  readonly #columns: RecordColumns;
  readonly #records: Int32Array<ArrayBuffer>;
  readonly #recordBytes: Uint8Array;

  /** @param plainMax bytes of the frames of a block at most. */
  constructor(plainMax: number) {
    this.#recordsMax = Math.floor(plainMax / RECORD_BYTES);
    this.#columns = new RecordColumns(this.#recordsMax);
    this.#records = new Int32Array(this.#recordsMax * RECORD_WORDS);
    this.#recordBytes = new Uint8Array(this.#records.buffer);
  }

  /** @param plain whole frames. */
  pack(plain: Uint8Array<ArrayBuffer>): { readonly packed: Uint8Array; readonly contentBytes: number } {
    const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
    const content = new Uint8Array(contentMax(plain.length));
    let rest = CONTENT_HEAD_BYTES;
    let records = 0;
    const keep = (from: number, to: number): void => {
      content.set(plain.subarray(from, to), rest);
      rest += to - from;
    };
    for (let at = 0; at < plain.length; ) {
      const end = at + FRAME_HEADER_BYTES + view.getUint32(at + 8, true);
      const count = recordsOf(view, at);
      const first = at + recordsAt(view, at, count);
      const behind = first + count * RECORD_BYTES;
      keep(at, first);
      this.#recordBytes.set(plain.subarray(first, behind), records * RECORD_BYTES);
      records += count;
      keep(behind, end);
      at = end;
    }
    const head = new DataView(content.buffer);
    head.setUint32(0, records, true);
    head.setUint32(4, rest - CONTENT_HEAD_BYTES, true);
    const contentBytes = this.#columns.encode(this.#records, records, content, rest);
    return { packed: zstdCompressSync(content.subarray(0, contentBytes), EFFORT), contentBytes };
  }

  /**
   * @param contentBytes of the content: at most so many are made of the packed ones.
   * @param plain gets the frames: as many bytes as there have to be.
   * @returns false where the bytes do not stand for them.
   */
  unpack(packed: Uint8Array, contentBytes: number, plain: Uint8Array<ArrayBuffer>): boolean {
    const content = unzip(packed, contentBytes);
    if (content === null || content.length < CONTENT_HEAD_BYTES) return false;
    const head = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const records = head.getUint32(0, true);
    const restEnd = CONTENT_HEAD_BYTES + head.getUint32(4, true);
    if (restEnd > content.length || records > this.#recordsMax) return false;
    if (!this.#columns.decode(content, restEnd, content.length, this.#records, records)) return false;
    return this.#join(content.subarray(CONTENT_HEAD_BYTES, restEnd), records, plain);
  }

  /** Puts the records back into their frames. */
  #join(rest: Uint8Array, records: number, plain: Uint8Array<ArrayBuffer>): boolean {
    const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
    let from = 0;
    let used = 0;
    for (let at = 0; at < plain.length; ) {
      if (at + FRAME_HEADER_BYTES > plain.length || from + FRAME_HEADER_BYTES > rest.length) return false;
      plain.set(rest.subarray(from, from + FRAME_HEADER_BYTES), at);
      const count = recordsOf(view, at);
      const first = recordsAt(view, at, count);
      const end = FRAME_HEADER_BYTES + view.getUint32(at + 8, true);
      const bytes = count * RECORD_BYTES;
      if (at + end > plain.length || from + end - bytes > rest.length || used + count > records) return false;
      plain.set(rest.subarray(from + FRAME_HEADER_BYTES, from + first), at + FRAME_HEADER_BYTES);
      plain.set(this.#recordBytes.subarray(used * RECORD_BYTES, used * RECORD_BYTES + bytes), at + first);
      plain.set(rest.subarray(from + first, from + end - bytes), at + first + bytes);
      from += end - bytes;
      used += count;
      at += end;
    }
    return from === rest.length && used === records;
  }
}

function contentMax(plainBytes: number): number {
  const records = Math.floor(plainBytes / RECORD_BYTES);
  return CONTENT_HEAD_BYTES + plainBytes + records * (COLUMN_BYTES_MAX - RECORD_BYTES);
}

/** Bytes of the whole frames that fit into a block, from the beginning of `view` on; 0 where there is no frame. */
export function blockEnd(view: DataView): number {
  let end = 0;
  while (end + FRAME_HEADER_BYTES <= view.byteLength) {
    const next = end + FRAME_HEADER_BYTES + view.getUint32(end + 8, true);
    if (view.getInt32(end, true) !== FRAME_MAGIC || next > Math.min(view.byteLength, BLOCK_PLAIN_MAX)) break;
    end = next;
  }
  return end;
}

/** How many records of the frame at `at` are taken out of it. */
function recordsOf(view: DataView, at: number): number {
  const type = view.getUint8(at + 16);
  const isEvents = type === FRAME_EVENTS || type === FRAME_CONTROL;
  if (!isEvents && (type !== FRAME_IMAGE || view.getUint16(at + 18, true) !== 0)) return 0;
  const room = view.getUint32(at + 8, true) - (isEvents ? EVENTS_HEAD_BYTES : 0);
  const records = view.getUint32(at + 20, true);
  return records * RECORD_BYTES <= room ? records : 0;
}

/** Where the records of the frame at `at` begin, from its first byte on. */
function recordsAt(view: DataView, at: number, records: number): number {
  const behindHead = records > 0 && view.getUint8(at + 16) !== FRAME_IMAGE;
  return FRAME_HEADER_BYTES + (behindHead ? EVENTS_HEAD_BYTES : 0);
}

/** The one zstd frame in `packed`, if it has `bytes` bytes. */
function unzip(packed: Uint8Array, bytes: number): Uint8Array | null {
  try {
    const content = zstdDecompressSync(packed, { maxOutputLength: bytes });
    return content.length === bytes ? content : null;
  } catch {
    // Whatever the codec says of it, it is not what was written.
    return null;
  }
}
