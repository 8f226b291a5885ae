import type { Random } from '../../src/core/binary/random.ts';
import type { Disk, DiskFile } from '../../src/core/journal/disk.ts';
import { fatesOf, UnsyncedBytes } from './unsynced-bytes.ts';

/** A call of the disk, as whoever decides over its failures sees it. */
export interface DiskCall {
  /** 1, 2, 3, … */
  readonly number: number;
  readonly kind:
    | 'open'
    | 'create'
    | 'append'
    | 'write'
    | 'read'
    | 'truncate'
    | 'sync'
    | 'rename'
    | 'remove'
    | 'list'
    | 'makeDirectory'
    | 'syncDirectory'
    | 'free';
  readonly path: string;
}

/** What a call ends with; with `power` it does what it does, and nobody hears of it. */
export type Failure = 'ENOSPC' | 'EIO' | 'EACCES' | 'EROFS' | 'power';

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EIO: 'i/o error',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
};

interface Directory {
  readonly names: Map<string, Node>;
  /** Names that survive a loss of power. */
  readonly durable: Map<string, Node>;
  /** What was done to the names since. */
  changes: NameChange[];
}

type Node = Directory | UnsyncedBytes;

type NameChange =
  | { readonly kind: 'put'; readonly name: string; readonly node: Node }
  | { readonly kind: 'remove'; readonly name: string; readonly node: Node }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly node: Node };

/**
 * A disk in memory that loses its power, or fails in any call. What no sync has covered is kept, lost or garbled sector by
 * sector, names that no sync of their directory has covered are kept or lost, each as `random` has it. A rename happens or it
 * does not; sectors that were synced stay as they are, also where an unsynced write shares theirs.
 */
export class FaultingDisk implements Disk {
  /** Decides over every call. */
  failureOf: (call: DiskCall) => Failure | null = () => null;
  /** Calls so far. */
  calls = 0;
  freeBytes = 1e12;
  readonly #random: Random;
  readonly #root: Directory;
  #hasPower = true;

  constructor(random: Random, root: Directory = { names: new Map(), durable: new Map(), changes: [] }) {
    this.#random = random;
    this.#root = root;
  }

  /** Turns the power off: whoever still writes here fails. @returns the disk as it comes up again. */
  powerOff(): FaultingDisk {
    this.#hasPower = false;
    return new FaultingDisk(this.#random, survivorsOf(this.#root, this.#random));
  }

  open(path: string, mode: 'create' | 'modify' | 'read'): DiskFile {
    const { directory, name } = this.#place(path);
    return this.does(mode === 'create' ? 'create' : 'open', path, () => {
      const found = directory.names.get(name);
      if (mode === 'create') {
        if (found !== undefined) throw errorOf('EEXIST', 'open', path);
        const file = new UnsyncedBytes();
        change(directory, { kind: 'put', name, node: file });
        return new FaultingFile(this, path, file, this.#random, true);
      }
      if (!(found instanceof UnsyncedBytes)) throw errorOf('ENOENT', 'open', path);
      return new FaultingFile(this, path, found, this.#random, mode === 'modify');
    });
  }

  rename(from: string, to: string): void {
    const { directory, name } = this.#place(from);
    const target = this.#place(to);
    if (target.directory !== directory) throw new Error('this disk renames within a directory');
    this.does('rename', from, () => {
      const node = directory.names.get(name);
      if (node === undefined) throw errorOf('ENOENT', 'rename', from);
      change(directory, { kind: 'rename', from: name, to: target.name, node });
    });
  }

  remove(path: string): void {
    const { directory, name } = this.#place(path);
    this.does('remove', path, () => {
      const node = directory.names.get(name);
      if (node === undefined) throw errorOf('ENOENT', 'unlink', path);
      change(directory, { kind: 'remove', name, node });
    });
  }

  list(path: string): string[] {
    return this.does('list', path, () => {
      const names = this.#directory(path)?.names.keys() ?? [];
      return [...names].sort((a, b) => (a < b ? -1 : 1));
    });
  }

  makeDirectory(path: string): void {
    this.does('makeDirectory', path, () => {
      let directory = this.#root;
      for (const name of partsOf(path)) {
        let next = directory.names.get(name);
        if (next === undefined) {
          next = { names: new Map(), durable: new Map(), changes: [] };
          change(directory, { kind: 'put', name, node: next });
        }
        if (next instanceof UnsyncedBytes) throw errorOf('EEXIST', 'mkdir', path);
        directory = next;
      }
    });
  }

  syncDirectory(path: string): void {
    const directory = this.#directory(path);
    if (directory === null) throw errorOf('ENOENT', 'fsync', path);
    this.does('syncDirectory', path, () => {
      for (const made of directory.changes) apply(directory.durable, made);
      directory.changes = [];
    });
  }

  free(path: string): number {
    return this.does('free', path, () => this.freeBytes);
  }

  /** Counts a call, and lets it fail or happen. @param fail what a failing call leaves behind. */
  does<T>(kind: DiskCall['kind'], path: string, happen: () => T, fail: () => void = () => {}): T {
    if (!this.#hasPower) throw errorOf('EIO', kind, path);
    this.calls += 1;
    const failure = this.failureOf({ number: this.calls, kind, path });
    if (failure === null) return happen();
    if (failure === 'power') {
      // Of a sync under way nobody knows anything; what else was begun is as good as done, and not synced.
      if (kind !== 'sync' && kind !== 'syncDirectory') happen();
      this.#hasPower = false;
      throw errorOf('EIO', kind, path);
    }
    fail();
    throw errorOf(failure, kind, path);
  }

  #directory(path: string): Directory | null {
    let directory = this.#root;
    for (const name of partsOf(path)) {
      const next = directory.names.get(name);
      if (next === undefined || next instanceof UnsyncedBytes) return null;
      directory = next;
    }
    return directory;
  }

  #place(path: string): { directory: Directory; name: string } {
    const parts = partsOf(path);
    const name = parts.pop() ?? '';
    const directory = this.#directory(parts.join('/'));
    if (directory === null) throw errorOf('ENOENT', 'open', path);
    return { directory, name };
  }
}

class FaultingFile implements DiskFile {
  readonly #disk: FaultingDisk;
  readonly #path: string;
  readonly #file: UnsyncedBytes;
  readonly #random: Random;
  readonly #writes: boolean;
  #isOpen = true;

  constructor(disk: FaultingDisk, path: string, file: UnsyncedBytes, random: Random, writes: boolean) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#random = random;
    this.#writes = writes;
  }

  get bytes(): number {
    return this.#file.length;
  }

  append(bytes: Uint8Array): void {
    this.#put('append', bytes, this.#file.length);
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#put('write', bytes, offset);
  }

  read(into: Uint8Array, offset: number): number {
    this.#check(false, 'read');
    return this.#disk.does('read', this.#path, () => this.#file.read(into, offset));
  }

  truncate(bytes: number): void {
    this.#check(true, 'ftruncate');
    this.#disk.does('truncate', this.#path, () => this.#file.truncate(bytes));
  }

  sync(): void {
    this.#check(false, 'fdatasync');
    this.#disk.does(
      'sync',
      this.#path,
      () => this.#file.sync(),
      () => this.#file.failSync(this.#random),
    );
  }

  close(): void {
    this.#check(false, 'close');
    this.#isOpen = false;
  }

  /** A write that fails may have been a short one before; over bytes that are there it happened or it did not. */
  #put(kind: 'append' | 'write', bytes: Uint8Array, offset: number): void {
    this.#check(true, 'write');
    const isOver = offset + bytes.length <= this.#file.length;
    this.#disk.does(
      kind,
      this.#path,
      () => this.#file.write(bytes, offset),
      () => {
        const arrived = isOver ? bytes.length * this.#random.below(2) : this.#random.below(bytes.length + 1);
        this.#file.write(bytes.subarray(0, arrived), offset);
      },
    );
  }

  #check(writes: boolean, call: string): void {
    if (!this.#isOpen || (writes && !this.#writes)) throw errorOf('EBADF', call, this.#path);
  }
}

function change(directory: Directory, made: NameChange): void {
  apply(directory.names, made);
  directory.changes.push(made);
}

function apply(names: Map<string, Node>, made: NameChange): void {
  if (made.kind === 'put') names.set(made.name, made.node);
  else if (made.kind === 'rename') {
    if (names.get(made.from) === made.node) names.delete(made.from);
    names.set(made.to, made.node);
  } else if (names.get(made.name) === made.node) names.delete(made.name);
}

function survivorsOf(directory: Directory, random: Random): Directory {
  const left = new Map(directory.durable);
  const fate = fatesOf(random, directory.changes.length);
  for (const made of directory.changes) if (fate() === 'kept') apply(left, made);
  const names = new Map<string, Node>();
  for (const [name, node] of left) {
    const survivor =
      node instanceof UnsyncedBytes ? new UnsyncedBytes(node.survivors(random)) : survivorsOf(node, random);
    names.set(name, survivor);
  }
  return { names, durable: new Map(names), changes: [] };
}

function partsOf(path: string): string[] {
  return path.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
}

function errorOf(code: string, call: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${MEANINGS[code]}, ${call} '${path}'`), {
    code,
    syscall: call,
    path,
  });
}
