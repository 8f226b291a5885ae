import { join } from 'node:path';
import {
  DURABLE_BYTES,
  DURABLE_NAME,
  type DurableRecord,
  NOTHING_DURABLE,
  readDurable,
  writeDurable,
} from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';

/** The `durable` record of a journal that is being written. */
export class DurableFile {
  /** What it said when it was opened, NOTHING_DURABLE where that cannot be read; null where there was none. */
  readonly found: DurableRecord | null;
  #said: DurableRecord;
  readonly #file: DiskFile;
  readonly #view: DataView = new DataView(new ArrayBuffer(DURABLE_BYTES));
  readonly #bytes: Uint8Array = new Uint8Array(this.#view.buffer);

  constructor(disk: Disk, directory: string) {
    const path = join(directory, DURABLE_NAME);
    const exists = disk.list(directory).includes(DURABLE_NAME);
    this.#file = disk.open(path, exists ? 'modify' : 'create');
    const isWhole = this.#file.read(this.#bytes, 0) === DURABLE_BYTES;
    const found = isWhole ? readDurable(this.#view) : null;
    this.found = exists ? (found ?? NOTHING_DURABLE) : null;
    this.#said = found ?? NOTHING_DURABLE;
    // That there is one says that a journal keeps count, also when it was lost what it says.
    if (!exists) disk.syncDirectory(directory);
  }

  /** Writes it anew, in place. What it says has to survive a loss of power before. */
  write(record: DurableRecord): void {
    writeDurable(this.#view, record);
    this.#file.write(this.#bytes, 0);
    this.#said = record;
  }

  /** Adds that nothing behind what it says was promised, for whoever goes on. */
  fail(): void {
    this.write({ ...this.#said, failed: true });
    this.sync();
  }

  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
