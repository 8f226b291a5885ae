/** One open file. Every call throws the error of the system (`code` ENOSPC, EIO, …) where it fails. */
export interface DiskFile {
  readonly bytes: number;
  /** Writes all of the bytes behind the end. */
  append(bytes: Uint8Array): void;
  /** Writes all of the bytes at an offset. */
  write(bytes: Uint8Array, offset: number): void;
  /** Fills `into` from an offset. @returns bytes read; fewer only at the end of the file. */
  read(into: Uint8Array, offset: number): number;
  truncate(bytes: number): void;
  /** Returns when what was written survives a loss of power. */
  sync(): void;
  close(): void;
}

/**
 * What a journal needs of a file system, so that tests can stand in for a failing one. Paths as the system has them. A new,
 * renamed or removed name survives a loss of power once `syncDirectory` of its directory has returned.
 */
export interface Disk {
  /** `create` fails with EEXIST where the file exists; `modify` and `read` with ENOENT where it does not. */
  open(path: string, mode: 'create' | 'modify' | 'read'): DiskFile;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Names in a directory, sorted; empty where it does not exist. */
  list(directory: string): string[];
  makeDirectory(path: string): void;
  syncDirectory(path: string): void;
  /** Bytes that may still be written. */
  free(path: string): number;
}
