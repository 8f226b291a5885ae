import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import {
  DURABLE_BYTES,
  DURABLE_NAME,
  type DurableRecord,
  indexName,
  isJournal,
  readDurable,
  type SegmentFile,
  segmentFiles,
} from './directory.ts';
import type { Disk } from './disk.ts';
import { buildIndex, IndexBuilder } from './index-builder.ts';
import { openSegmentBytes, type SegmentBytes } from './segment-bytes.ts';
import { isIndexOf, readIndex, type SegmentIndex } from './segment-index.ts';
import { endsGroup, findEvent, hasNoEvents, readStart, type SegmentStart } from './segment-peek.ts';

/**
 * The segments of a journal as they are in its directory when it is opened; named here by their place in `files`. Changes
 * nothing. Errors of the system are thrown as they come.
 */
export class JournalReader {
  readonly directory: string;
  readonly files: SegmentFile[];
  /** What was promised to survive a loss of power; null where that is not known. */
  readonly durable: DurableRecord | null;
  readonly #disk: Disk;
  readonly #starts: (SegmentStart | string | undefined)[] = [];
  readonly #indexes: (SegmentIndex | undefined)[] = [];

  private constructor(disk: Disk, directory: string, names: readonly string[]) {
    this.#disk = disk;
    this.directory = directory;
    this.files = segmentFiles(names);
    this.durable = names.includes(DURABLE_NAME) ? this.#readDurable() : null;
  }

  /** @returns null where the directory is no journal, or there is none. */
  static open(disk: Disk, directory: string): JournalReader | null {
    const names = disk.list(directory);
    return isJournal(names) ? new JournalReader(disk, directory, names) : null;
  }

  /** Looks for segments that were begun since. @returns whether there is one behind the segment `at`. */
  refresh(at: number): boolean {
    const known = this.files.at(-1)?.number ?? 0;
    for (const file of segmentFiles(this.#disk.list(this.directory))) {
      if (file.number <= known) continue;
      this.files.push(file);
      if (typeof this.start(this.files.length - 1) !== 'string') continue;
      // Not even its first frame is there yet.
      this.files.pop();
      this.#starts.length = this.files.length;
      break;
    }
    return at < this.files.length - 1;
  }

  pathOf(at: number): string {
    return join(this.directory, this.files[at]!.name);
  }

  /** Bytes of a segment on disk. */
  bytesOf(at: number): number {
    const file = this.#opened(at, () => this.#disk.open(this.pathOf(at), 'read'));
    try {
      return file.bytes;
    } finally {
      file.close();
    }
  }

  /** The frames of a segment; whoever opens them closes them. */
  open(at: number): SegmentBytes {
    return this.#opened(at, () => openSegmentBytes(this.#disk, this.directory, this.files[at]!));
  }

  /** What is open when a closed segment is compressed, or it is by then. */
  #opened<T>(at: number, open: () => T): T {
    try {
      return open();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const { number } = this.files[at]!;
      const now = segmentFiles(this.#disk.list(this.directory)).find((file) => file.number === number);
      if (now === undefined) throw error;
      this.files[at] = now;
      return open();
    }
  }

  /** Where a segment begins; what is wrong as text where that cannot be read. */
  start(at: number): SegmentStart | string {
    const number = this.files[at]!.number;
    this.#starts[at] ??= this.#with<SegmentStart | string>(
      at,
      (bytes) => readStart(bytes, number),
      (why) => why,
    );
    return this.#starts[at];
  }

  /** What is known of a segment: its index where one is there and right, else made from its frames. */
  index(at: number): SegmentIndex {
    this.#indexes[at] ??= this.#with(
      at,
      (bytes) => this.#readIndex(at, bytes) ?? buildIndex(bytes),
      () => new IndexBuilder().index,
    );
    return this.#indexes[at];
  }

  /** Is a segment whole and has no events? */
  isEmpty(at: number): boolean {
    return this.#with(at, hasNoEvents, () => false);
  }

  /** The first event of a segment, alone in a batch, with the numbers of its writer; null where it has none. */
  firstEvent(at: number): EventBatch | null {
    return this.#with(
      at,
      (bytes) => findEvent(bytes, () => true),
      () => null,
    );
  }

  /** The same of the first event that ends a group, or lets none be open, whatever had begun in front of the segment. */
  firstGroupEnd(at: number): EventBatch | null {
    return this.#with(
      at,
      (bytes) => findEvent(bytes, endsGroup),
      () => null,
    );
  }

  #readIndex(at: number, bytes: SegmentBytes): SegmentIndex | null {
    const found = this.#readFile(indexName(this.files[at]!.number));
    const index = found === null ? null : readIndex(found);
    return index !== null && isIndexOf(index, bytes) ? index : null;
  }

  #readDurable(): DurableRecord | null {
    const found = this.#readFile(DURABLE_NAME);
    return found === null || found.length < DURABLE_BYTES
      ? null
      : readDurable(new DataView(found.buffer, 0, DURABLE_BYTES));
  }

  /** @returns null where it is not there any more, or never was. */
  #readFile(name: string): Uint8Array<ArrayBuffer> | null {
    const path = join(this.directory, name);
    try {
      const file = this.#disk.open(path, 'read');
      try {
        const bytes = new Uint8Array(file.bytes);
        return bytes.subarray(0, file.read(bytes, 0));
      } finally {
        file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** @param damaged is told where what is compressed cannot be read. */
  #with<T>(at: number, use: (bytes: SegmentBytes) => T, damaged: (problem: string) => T): T {
    let bytes: SegmentBytes | null = null;
    try {
      bytes = this.open(at);
      return use(bytes);
    } catch (error) {
      if (!(error instanceof MdxError) || error.code !== 'input-damaged') throw error;
      return damaged(error.message);
    } finally {
      bytes?.close();
    }
  }
}
