import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';

const MODES = { create: 'wx+', modify: 'r+', read: 'r' } as const;

/** The file system of the machine. */
export const NODE_DISK: Disk = {
  open: (path, mode) => new NodeFile(openSync(path, MODES[mode], 0o666)),
  rename: renameSync,
  remove: unlinkSync,
  list(directory) {
    try {
      return readdirSync(directory).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  makeDirectory(path) {
    makeDirectories(path);
  },
  syncDirectory(path) {
    // Windows cannot open a directory, and needs no sync of it.
    if (process.platform === 'win32') return;
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  free(path) {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  },
};

class NodeFile implements DiskFile {
  readonly #descriptor: number;
  #bytes: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(bytes: Uint8Array): void {
    this.write(bytes, this.#bytes);
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done);
      // What a short write left is in the file, whatever the next one does.
      this.#bytes = Math.max(this.#bytes, offset + done);
    }
  }

  read(into: Uint8Array, offset: number): number {
    let done = 0;
    while (done < into.length) {
      const read = readSync(this.#descriptor, into, done, into.length - done, offset + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  truncate(bytes: number): void {
    ftruncateSync(this.#descriptor, bytes);
    this.#bytes = bytes;
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Not by Node's recursive call, which never returns where a file system says ENOENT in a directory that is there. */
function makeDirectories(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || existsSync(parent)) throw error;
    makeDirectories(parent);
    makeDirectories(path);
  }
}
