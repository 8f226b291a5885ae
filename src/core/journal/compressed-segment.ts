import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import { BLOCK_PLAIN_MAX, blockEnd } from './compressed-block.ts';
import { CompressedBytes } from './compressed-bytes.ts';
import { BlockFileWriter } from './compressed-file.ts';
import { compressedName, PART_SUFFIX, segmentName } from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';

/**
 * Compresses a closed segment, block by block: the file is written beside the plain one, synced, read back and compared,
 * and takes its place only then. Errors of the disk leave the plain one as it was.
 */
export class SegmentCompression {
  readonly number: number;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #plain: DiskFile;
  readonly #part: DiskFile;
  readonly #writer: BlockFileWriter;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #readBack: Uint8Array<ArrayBuffer>;
  #at = 0;
  /** What was written, from when it is read back. */
  #packed: CompressedBytes | null = null;
  #done = false;

  constructor(disk: Disk, directory: string, number: number) {
    this.number = number;
    this.#disk = disk;
    this.#directory = directory;
    this.#plain = disk.open(this.#path, 'read');
    try {
      this.#part = disk.open(this.#partPath, 'create');
    } catch (error) {
      this.#plain.close();
      throw error;
    }
    const blockBytes = Math.min(this.#plain.bytes, BLOCK_PLAIN_MAX);
    this.#bytes = new Uint8Array(blockBytes);
    this.#readBack = new Uint8Array(blockBytes);
    this.#writer = new BlockFileWriter((bytes) => this.#part.append(bytes), blockBytes);
  }

  /** Does the next piece of the work, of the size of a block. @returns true when the compressed file is in place. */
  step(): boolean {
    if (this.#done) return true;
    try {
      if (this.#packed === null) this.#pack();
      else if (this.#at < this.#plain.bytes) this.#compare();
      else this.#replace();
    } catch (error) {
      try {
        this.abandon();
      } catch {
        // What went wrong first is what is said; the next writer removes what is left.
      }
      throw error;
    }
    return this.#done;
  }

  /** Leaves the plain file as it is. */
  abandon(): void {
    if (this.#done) return;
    this.#done = true;
    this.#plain.close();
    this.#part.close();
    this.#packed?.close();
    this.#disk.remove(this.#partPath);
  }

  #pack(): void {
    const read = this.#plain.read(this.#bytes, this.#at);
    if (read > 0) {
      const end = blockEnd(new DataView(this.#bytes.buffer, 0, read));
      if (end === 0) throw this.#damaged('no whole frame begins there');
      this.#writer.block(this.#bytes.subarray(0, end));
      this.#at += end;
      return;
    }
    this.#writer.finish();
    this.#part.sync();
    this.#packed = new CompressedBytes(this.#disk, this.#partPath);
    if (this.#packed.bytes !== this.#at) throw this.#damaged('its compressed form has another length');
    this.#at = 0;
  }

  #compare(): void {
    const read = this.#plain.read(this.#bytes, this.#at);
    const end = blockEnd(new DataView(this.#bytes.buffer, 0, read));
    const back = this.#packed!.read(this.#readBack.subarray(0, end), this.#at);
    if (back !== end || Buffer.compare(this.#bytes.subarray(0, end), this.#readBack.subarray(0, end)) !== 0)
      throw this.#damaged('its compressed form has other bytes');
    this.#at += end;
  }

  #replace(): void {
    // It may be among the old ones that were removed in the meantime.
    if (!isThere(this.#disk, this.#directory, this.number)) {
      this.abandon();
      return;
    }
    this.#done = true;
    this.#plain.close();
    this.#part.close();
    this.#packed!.close();
    this.#disk.rename(this.#partPath, join(this.#directory, compressedName(this.number)));
    this.#disk.syncDirectory(this.#directory);
    this.#disk.remove(this.#path);
    this.#disk.syncDirectory(this.#directory);
  }

  get #path(): string {
    return join(this.#directory, segmentName(this.number));
  }

  get #partPath(): string {
    return join(this.#directory, compressedName(this.number) + PART_SUFFIX);
  }

  #damaged(problem: string): MdxError {
    return new MdxError('input-damaged', `compressing ${this.#path}, byte ${this.#at}: ${problem}`);
  }
}

/** Closed segments that are to be compressed, one after the other; what goes wrong is told, and the segment stays as it is. */
export class CompressionQueue {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #tell: (text: string) => void;
  readonly #waiting: number[] = [];
  #current: SegmentCompression | null = null;

  constructor(disk: Disk, directory: string, tell: (text: string) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#tell = tell;
  }

  add(segment: number): void {
    this.#waiting.push(segment);
  }

  /** The segment that is at work or the next to be: it has to stay, with all behind it. Null: there is none. */
  get oldest(): number | null {
    return this.#current?.number ?? this.#waiting[0] ?? null;
  }

  /** Does the next piece of the work. @returns false when nothing is left. */
  step(): boolean {
    try {
      const next = this.#current === null ? this.#waiting.shift() : undefined;
      if (next !== undefined && isThere(this.#disk, this.#directory, next))
        this.#current = new SegmentCompression(this.#disk, this.#directory, next);
      if (this.#current?.step() === true) this.#current = null;
    } catch (error) {
      this.#current = null;
      this.#tell(`a closed segment is not compressed: ${(error as Error).message}`);
    }
    return this.#current !== null || this.#waiting.length > 0;
  }

  abandon(): void {
    this.#waiting.length = 0;
    this.#current?.abandon();
  }
}

function isThere(disk: Disk, directory: string, segment: number): boolean {
  return disk.list(directory).includes(segmentName(segment));
}

/** Compresses a closed segment at once. */
export function compressSegment(disk: Disk, directory: string, number: number): void {
  const compression = new SegmentCompression(disk, directory, number);
  while (!compression.step());
}

/** Removes what a compression or a copy left that did not come to its end: the plain segment is there still. */
export function removeUnfinished(disk: Disk, directory: string): void {
  const names = disk.list(directory);
  const plain = new Set(names);
  const left = names.filter((name) =>
    name.endsWith('.zst')
      ? plain.has(name.slice(0, -'.zst'.length))
      : name.endsWith(`.zst${PART_SUFFIX}`) || name.endsWith(`.mdxj${PART_SUFFIX}`),
  );
  for (const name of left) disk.remove(join(directory, name));
  if (left.length > 0) disk.syncDirectory(directory);
}
