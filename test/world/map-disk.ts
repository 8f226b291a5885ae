import type { Disk, DiskFile } from '../../src/core/journal/disk.ts';

/** A directory in memory that is only read: its names and their bytes, whatever the path. */
export class MapDisk implements Disk {
  readonly files: Map<string, Uint8Array>;

  constructor(files: Iterable<readonly [name: string, bytes: Uint8Array]>) {
    this.files = new Map(files);
  }

  readonly rename: () => never = refuse;
  readonly remove: () => never = refuse;
  readonly makeDirectory: () => never = refuse;
  readonly syncDirectory: () => never = refuse;
  readonly free: () => never = refuse;

  list(): string[] {
    return [...this.files.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  open(path: string): DiskFile {
    const bytes = this.files.get(path.slice(path.lastIndexOf('/') + 1));
    if (bytes === undefined) throw Object.assign(new Error(`ENOENT: no ${path}`), { code: 'ENOENT' });
    return {
      bytes: bytes.length,
      read(into, offset) {
        const part = bytes.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      append: refuse,
      write: refuse,
      truncate: refuse,
      sync: refuse,
      close: () => undefined,
    };
  }
}

function refuse(): never {
  throw Object.assign(new Error('EROFS: nothing is written here'), { code: 'EROFS' });
}
