import { MdxError } from '../errors.ts';
import type { Disk } from './disk.ts';

/** Bytes that may be written between two looks at what is free, and longest time, ms. */
const LOOK_BYTES = 8_388_608;
const LOOK_MS = 1000;
/** It is said once when there is less than so many times what has to be kept free. */
const WARN_TIMES = 2;

/** Watches that a disk keeps some room free: what else lives on it has to live, too. */
export class FreeSpace {
  readonly #disk: Disk;
  readonly #directory: string;
  /** 0 = no room is kept. */
  readonly #keptBytes: number;
  readonly #tell: (text: string) => void;
  readonly #now: () => number;
  #writtenAt = 0;
  #lookedAt = 0;
  #hasWarned = false;

  constructor(
    disk: Disk,
    directory: string,
    keptBytes: number,
    tell: (text: string) => void,
    now: () => number,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#keptBytes = keptBytes;
    this.#tell = tell;
    this.#now = now;
  }

  /** The same as `look`, unless that was lately. @param written bytes so far. */
  watch(written: number): void {
    if (this.#keptBytes === 0) return;
    if (written - this.#writtenAt < LOOK_BYTES && this.#now() - this.#lookedAt < LOOK_MS) return;
    this.look(written);
  }

  /** Throws MdxError `journal-full` where less is free than has to be. */
  look(written: number): void {
    const kept = this.#keptBytes;
    if (kept === 0) return;
    this.#writtenAt = written;
    this.#lookedAt = this.#now();
    const free = this.#disk.free(this.#directory);
    if (free < kept) {
      throw new MdxError(
        'journal-full',
        `writing the journal ${this.#directory}: ${free} bytes are free on its disk, and ${kept} have to stay so`,
        { hint: 'What was durable before is safe. Free some space, or ask for less with --min-free.' },
      );
    }
    if (free >= kept * WARN_TIMES || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#tell(
      `the journal ${this.#directory} stops when ${kept} bytes are left on its disk, and ${free} are free`,
    );
  }
}
