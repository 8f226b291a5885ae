import { join } from 'node:path';
import { MdxError } from '../errors.ts';
import { LOCK_NAME } from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { Machine, ProcessMark } from './machine.ts';

/*
 * `lock` holds one line of JSON: {"pid":…,"bootId":"…","started":"…"}, the process that writes the journal. It is made
 * exclusively and removed at the end. One whose process is gone, or whose machine has booted since, is stale.
 */

/** A stale lock may be somebody else's fresh one by the time it is moved away; then its owner is given another look. */
const TRIES = 8;
/** Longest that a lock may be empty: between its making and its line its owner does nothing else. */
const EMPTY_MS = 100;
const LOCK_BYTES_MAX = 4096;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/**
 * The right to write a journal. Between the look at a stale lock and its removal another process may do the same, so what
 * was moved away is looked at once more and given back, and `check` tells whether the lock still is one's own.
 */
export class JournalLock {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #directory: string;
  readonly #line: string;

  private constructor(disk: Disk, directory: string, line: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#path = join(directory, LOCK_NAME);
    this.#line = line;
  }

  /** Throws MdxError `journal-busy` while another process holds it, and what the disk throws. */
  static take(disk: Disk, directory: string, machine: Machine): JournalLock {
    const lock = new JournalLock(disk, directory, `${JSON.stringify(machine.self)}\n`);
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (lock.#make()) return lock;
      const found = lock.#readPatiently();
      if (found === null) continue;
      const holder = holderOf(found);
      if (holder !== null && isLive(holder, machine)) throw busy(directory, holder.pid);
      lock.#moveAway(found, machine.self.pid);
    }
    throw busy(directory, null);
  }

  /** The process that holds the lock of a journal; null where none does. */
  static holder(disk: Disk, directory: string, machine: Machine): ProcessMark | null {
    const lock = new JournalLock(disk, directory, '');
    const holder = holderOf(lock.#read(lock.#path) ?? '');
    return holder !== null && isLive(holder, machine) ? holder : null;
  }

  /** Throws MdxError `journal-busy` where another process has taken it over, `journal-failed` where it is gone. */
  check(): void {
    const found = this.#read(this.#path);
    if (found === null) throw gone(this.#directory);
    if (found !== this.#line) throw busy(this.#directory, holderOf(found)?.pid ?? null);
  }

  /** Gives it back; one that is not there any more, or another's, stays as it is. */
  release(): void {
    if (this.#read(this.#path) === this.#line) this.#disk.remove(this.#path);
  }

  #make(): boolean {
    try {
      const file = this.#disk.open(this.#path, 'create');
      this.#fill(file);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  #fill(file: DiskFile): void {
    try {
      file.append(ENCODER.encode(this.#line));
    } catch (error) {
      // A lock that says nothing is in everybody's way.
      this.#disk.remove(this.#path);
      throw error;
    } finally {
      file.close();
    }
  }

  /** What the lock says; waits a little for one that says nothing yet. Null: there is none any more. */
  #readPatiently(): string | null {
    const end = performance.now() + EMPTY_MS;
    for (;;) {
      const found = this.#read(this.#path);
      if (found === null || found.endsWith('\n') || performance.now() > end) return found;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }

  #read(path: string): string | null {
    try {
      const file = this.#disk.open(path, 'read');
      try {
        const bytes = new Uint8Array(Math.min(file.bytes, LOCK_BYTES_MAX));
        return DECODER.decode(bytes.subarray(0, file.read(bytes, 0)));
      } finally {
        file.close();
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** Removes the lock if it still says what was found stale. */
  #moveAway(stale: string, pid: number): void {
    const aside = `${this.#path}.${pid}`;
    try {
      this.#disk.rename(this.#path, aside);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    if (this.#read(aside) === stale) this.#disk.remove(aside);
    else this.#disk.rename(aside, this.#path);
  }
}

function gone(directory: string): MdxError {
  return new MdxError('journal-failed', `writing the journal ${directory}: its lock is gone`, {
    hint: 'Somebody removed the directory or what was in it, or its file system went away.',
  });
}

function busy(directory: string, pid: number | null): MdxError {
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new MdxError('journal-busy', `writing the journal ${directory}: ${who} writes it`, {
    hint: 'A journal has one writer at a time: stop that process, or write another journal.',
  });
}

/** Whom a lock names; null where it was cut off or is none. */
function holderOf(text: string): ProcessMark | null {
  try {
    const { pid, bootId, started } = JSON.parse(text) as Partial<Record<keyof ProcessMark, unknown>>;
    if (!Number.isSafeInteger(pid) || typeof bootId !== 'string' || typeof started !== 'string') return null;
    return { pid: pid as number, bootId, started };
  } catch {
    return null;
  }
}

function isLive({ pid, bootId, started }: ProcessMark, { self, startOf }: Machine): boolean {
  if (bootId !== self.bootId) return false;
  const now = startOf(pid);
  return now !== null && (now === '' || started === '' || now === started);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
