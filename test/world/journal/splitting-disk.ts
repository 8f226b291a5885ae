import type { Random } from '../../../src/core/binary/random.ts';
import type { Disk, DiskFile } from '../../../src/core/journal/disk.ts';

/** Told where a process is with its writing, before it goes on. */
export interface WritingWatch {
  /** A part of what has to be written is written, and a part is not. */
  inside(): void;
  /** Something is written and about to be synced. */
  unsynced(): void;
}

const PARTS_MAX = 6;

/** The file system of the machine, where what is written to a segment at once arrives in small parts. */
export function splittingDisk(disk: Disk, random: Random, watch: WritingWatch): Disk {
  return {
    ...disk,
    open: (path, mode) => {
      const file = disk.open(path, mode);
      return path.endsWith('.mdxj') ? new SplittingFile(file, random, watch) : file;
    },
  };
}

class SplittingFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #random: Random;
  readonly #watch: WritingWatch;

  constructor(file: DiskFile, random: Random, watch: WritingWatch) {
    this.#file = file;
    this.#random = random;
    this.#watch = watch;
  }

  get bytes(): number {
    return this.#file.bytes;
  }

  append(bytes: Uint8Array): void {
    const parts = 1 + this.#random.below(PARTS_MAX);
    for (let part = 0, from = 0; from < bytes.length; part += 1) {
      const left = bytes.length - from;
      const to = part === parts - 1 ? bytes.length : from + 1 + this.#random.below(left);
      this.#file.append(bytes.subarray(from, to));
      if (to < bytes.length) this.#watch.inside();
      from = to;
    }
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#file.write(bytes, offset);
  }

  read(into: Uint8Array, offset: number): number {
    return this.#file.read(into, offset);
  }

  truncate(bytes: number): void {
    this.#file.truncate(bytes);
  }

  sync(): void {
    this.#watch.unsynced();
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
